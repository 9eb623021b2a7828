"""The mistakes that pydantic finds: one message with file, line and the nearest right key."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from resnet_lab.specs.explain import explain
from resnet_lab.specs.strict import Share, Strict, Whole
from resnet_lab.specs.yamlfile import parse


class Cat(Strict):
    name: Literal["cat"]
    lives: Whole


class Dog(Strict):
    name: Literal["dog"]
    tricks: Whole


class Top(Strict):
    repeat: Whole
    rounding: Literal["up", "down"] = "up"
    share: Share = 0.0
    pet: Annotated[Cat | Dog, Field(discriminator="name")] | None = None
    rows: list[Cat] = []


KNOWN = {
    "": ["repeat", "rounding", "share", "pet", "rows"],
    "pet.cat": ["name", "lives"],
    "pet.dog": ["name", "tricks"],
    "rows.*": ["name", "lives"],
}


def message_for(text):
    document = parse(text, "f.yaml")
    with pytest.raises(ValidationError) as caught:
        Top.model_validate(document.value)
    return str(explain(caught.value, document, KNOWN))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("repaet: 1\n", "f.yaml:1: unknown key: 'repaet'; did you mean 'repeat'? (known: pet, repeat, rounding,"),
        ("repeat: 1\ntricks: 2\n", "f.yaml:2: unknown key: 'tricks', which is a key of 'pet'"),
        ("repeat: 1\nlives: 2\n", "f.yaml:2: unknown key: 'lives', which is a key of 'pet'"),
        ("share: 0.1\n", "f.yaml:1: the key 'repeat' is missing"),
        ("repeat: 1\nshare: 2.0\n", "f.yaml:2: 'share' is 2.0: it should be less than 1"),
        ("repeat: two\n", "f.yaml:1: 'repeat' is 'two': it should be a valid integer"),
        ("share: 0.1\nrepeat: null\n", "f.yaml:2: 'repeat' is null: it should be a valid integer"),
        ("repeat: 1\nrounding: dwn\n", "f.yaml:2: unknown 'rounding': 'dwn'; did you mean 'down'? (known: down, up)"),
        (
            "repeat: 1\npet:\n  name: dgo\n",
            "f.yaml:3: unknown 'pet.name': 'dgo'; did you mean 'dog'? (known: cat, dog)",
        ),
        (
            "repeat: 1\npet:\n  name: dog\n  tricks: 1\n  lives: 9\n",
            "f.yaml:5: 'pet.lives': 'lives' belongs to cat, not to dog",
        ),
        ("repeat: 1\npet: {name: cat}\n", "f.yaml:2: the key 'lives' is missing in 'pet'"),
        ("repeat: 1\nrows:\n  - {name: cat, lives: 9}\n  - 3\n", "f.yaml:4: 'rows.1' is 3: it should be a mapping of"),
        (
            "repeat: 1\nrows:\n  - name: cat\n    livs: 9\n",
            "f.yaml:4: unknown key in 'rows.0': 'livs'; did you mean 'l",
        ),
    ],
)
def test_a_mistake_is_one_message_with_its_line(text, message):
    assert message_for(text).startswith(message)


def test_an_unknown_key_comes_before_the_missing_key_that_it_stands_for():
    assert "unknown key: 'repaet'" in message_for("share: 0.1\nrepaet: 1\n")


def test_a_key_that_a_null_removed_is_reported_where_the_null_is_written():
    document = parse("share: 0.1\n", "f.yaml")
    document.removed[("repeat",)] = ("child.yaml", 7)
    with pytest.raises(ValidationError) as caught:
        Top.model_validate(document.value)
    assert (
        str(explain(caught.value, document, KNOWN)) == "child.yaml:7: null removes the key 'repeat', which is required"
    )


def test_a_missing_key_names_the_misspelt_key_where_unknown_keys_are_options():
    """A stage takes the options of its block, so pydantic refuses no key there."""

    class Open(Top):
        model_config = Top.model_config | {"extra": "allow"}

    document = parse("repaet: 3\n", "f.yaml")
    with pytest.raises(ValidationError) as caught:
        Open.model_validate(document.value)
    error = explain(caught.value, document, KNOWN)
    assert str(error) == "f.yaml:1: the key 'repeat' is missing; is 'repaet' a misspelling of it?"
