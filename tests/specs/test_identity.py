"""Which fields of a spec enter a trial's id, and which are columns of the results."""

from typing import Annotated

from pydantic import ConfigDict

from resnet_lab.specs.identity import Outcome, cell, columns, identity
from resnet_lab.specs.strict import Strict


class Inner(Strict):
    rate: float = 0.1


class Outer(Strict):
    model_config = ConfigDict(extra="allow", frozen=True)

    size: int
    name: Annotated[str, Outcome(always=True)] = "sgd"
    later: int = 0
    workers: Annotated[int, Outcome(decides=False)] = 0
    parts: Annotated[list[str], Outcome(normalise=lambda names: sorted(set(names)))] = []
    inner: Inner = Inner()


def test_required_fields_and_marked_names_always_enter():
    assert identity(Outer(size=3)) == {"size": 3, "name": "sgd"}


def test_another_field_enters_where_it_differs_from_its_default():
    assert identity(Outer(size=3, later=1)) == {"size": 3, "name": "sgd", "later": 1}
    assert identity(Outer(size=3, inner=Inner(rate=0.2)))["inner"] == {"rate": 0.2}
    assert identity(Outer(size=3, later=0, inner=Inner(rate=0.1))) == identity(Outer(size=3))


def test_a_field_that_decides_nothing_never_enters():
    assert identity(Outer(size=3, workers=4)) == identity(Outer(size=3))


def test_values_that_mean_the_same_are_the_same():
    assert identity(Outer(size=3, parts=["b", "a", "b"])) == identity(Outer(size=3, parts=["a", "b"]))
    assert identity(Outer(size=3, parts=["a"])) != identity(Outer(size=3, parts=["b"]))


def test_keys_that_are_not_declared_always_enter():
    assert identity(Outer(size=3, version="v1.0"))["version"] == "v1.0"


def test_every_deciding_field_is_a_column_with_its_default():
    assert columns(Outer(size=3, parts=["b", "a"], workers=8, path="photos"), "data") == {
        "data.size": 3,
        "data.name": "sgd",
        "data.later": 0,
        "data.parts": '["a", "b"]',
        "data.inner.rate": 0.1,
        "data.path": "photos",
    }


def test_a_cell_is_a_plain_value_or_json():
    assert [cell(value) for value in (1, 0.5, True, None, "x")] == [1, 0.5, True, None, "x"]
    assert cell([1, {"a": 2}]) == '[1, {"a": 2}]'
    assert cell((8, 16)) == "[8, 16]"
