"""Registered functions: options, and the place of a failure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from resnet_lab.base.entry import Entry, OptionError

if TYPE_CHECKING:
    from nowhere import Unknown


def build(x: Unknown, *, size: int = 3, kind: Literal["a", "b"] = "a", path: Path | None = None, loose=16, free=None):
    """Build a thing.

    More of it.
    """


def test_an_entry_says_where_it_is_written_and_what_it_does():
    entry = Entry("thing", "one", build, ("x",))
    assert entry.source == f"{__file__}:{build.__code__.co_firstlineno}"
    assert entry.summary == "Build a thing."
    assert list(entry.options) == ["size", "kind", "path", "loose", "free"]
    assert not entry.is_own


def test_only_an_option_of_the_type_path_names_a_file():
    def read(*, path: Path, title: str = "a/b.txt"): ...

    assert Entry("dataset", "files", read).file_options == ("path",)
    assert Entry("dataset", "files", read).check({"path": "photos"}) == {"path": "photos"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sise": 3}, "unknown option of thing 'one': 'sise'; did you mean 'size'?"),
        ({"size": "3"}, "option 'size' of thing 'one' is '3': it should be a valid integer"),
        ({"kind": "c"}, "option 'kind' of thing 'one' is 'c': it should be 'a' or 'b'"),
        ({"loose": "many"}, "option 'loose' of thing 'one' is 'many': it should be a valid integer"),
    ],
)
def test_options_are_checked_by_name_and_by_declared_type(options, message):
    with pytest.raises(OptionError, match=message):
        Entry("thing", "one", build, ("x",)).check(options)


def test_an_option_without_a_type_takes_anything():
    assert Entry("thing", "one", build, ("x",)).check({"free": [1]}) == {"free": [1]}


def test_an_option_without_a_default_must_be_given():
    def needy(*, ratio: float): ...

    entry = Entry("thing", "needy", needy)
    with pytest.raises(OptionError, match="thing 'needy' needs the option 'ratio'"):
        entry.check({})
    assert entry.check({}, complete=False) == {}
    assert entry.check({"ratio": 2}) == {"ratio": 2}


def test_a_failure_stands_at_the_persons_line():
    def fails():
        return 1 / 0

    try:
        fails()
    except ZeroDivisionError as error:
        failure = Entry("thing", "one", fails).failure(error)
    line = fails.__code__.co_firstlineno + 1
    assert str(failure) == f"{__file__}:{line}: thing 'one' fails: ZeroDivisionError: division by zero"
