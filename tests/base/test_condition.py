"""Conditions: what they compare, and that nothing else is evaluated."""

import pandas as pd
import pytest

from resnet_lab import LabError
from resnet_lab.base.condition import Condition

VALUES = {"macs": 4e9, "params": 20, "train.optimizer.name": "sgd", "a.1.b": 3, "done": True}


def holds(text):
    return Condition(text, "a < 1").evaluate(VALUES.__getitem__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.5e9 < macs < 4.5e9", True),
        ("3.5e9 < macs < 3.9e9", False),
        ("params <= 20 and macs > 5e9", False),
        ("params == 20 or macs > 5e9", True),
        ("not params == 20", False),
        ("params != -20", True),
        ("train.optimizer.name == 'sgd'", True),
        ("train.optimizer.name in ['adam', 'adamw']", False),
        ("params not in (1, 2)", True),
        ("`a.1.b` < params", True),
        ("done and params > 1", True),
        ("done == False", False),
    ],
)
def test_a_condition_on_single_values_and_on_columns(text, expected):
    assert holds(text) is expected
    table = pd.DataFrame([VALUES, VALUES])
    assert Condition(text, "a < 1").evaluate(table.__getitem__).tolist() == [expected] * 2


def test_the_names_of_a_condition():
    assert Condition("1 < a < 2 or `b.1.c` in [3] and a == d.e", "a < 1").names == ("a", "b.1.c", "d.e")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "macs <",
        "1 < 2",
        "macs < 5e9 and 1 < 2",
        "macs + 1 < 2",
        "f(macs) < 2",
        "macs[0] < 2",
        "-macs < 2",
        "macs in 3",
        "macs in [params]",
        "[1] == macs",
        "macs is 3",
        "True",
        "__import__('os').remove('x') == 0",
        "(" * 500 + "macs < 1" + ")" * 500,
        "a\0b < 1",
    ],
)
def test_anything_else_is_no_condition(text):
    with pytest.raises(LabError, match="is no condition; an example is: a < 1"):
        Condition(text, "a < 1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("macs < 'many'", "'macs < 'many'' compares a text with a number"),
        ("macs", "'macs' compares 'macs' with nothing; an example is: a < 1"),
        ("not params", "compares 'params' with nothing"),
    ],
)
def test_values_that_cannot_be_compared(text, message):
    with pytest.raises(LabError, match=message):
        holds(text)


def test_a_name_may_look_like_a_placeholder():
    assert Condition("_quoted3 < 1", "a < 1").names == ("_quoted3",)
