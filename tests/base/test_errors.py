"""Messages for people: the place of a mistake, and the nearest right name."""

import pytest

from resnet_lab.base.errors import LabError, line_in, reason, unknown


def test_a_message_begins_with_its_place():
    assert str(LabError("is wrong")) == "is wrong"
    assert str(LabError("is wrong", file="a.yaml")) == "a.yaml: is wrong"
    assert str(LabError("is wrong", file="a.yaml", line=3)) == "a.yaml:3: is wrong"


def test_the_first_place_stays():
    error = LabError("is wrong").at("inner.py", 7)
    assert error.at("outer.yaml", 1) is error
    assert (error.file, error.line) == ("inner.py", 7)


def test_the_innermost_line_of_a_file_is_found():
    code = compile("def inner():\n    return 1 / 0\n\ndef outer():\n    return inner()\n", "mine.py", "exec")
    space: dict = {}
    exec(code, space)
    with pytest.raises(ZeroDivisionError) as caught:
        space["outer"]()
    assert line_in("mine.py", caught.value) == 2
    assert line_in("another.py", caught.value) is None


def test_an_unknown_name_comes_with_the_nearest_and_the_known_ones():
    assert unknown("variant", "resnet5", ["resnet50", "vgg"]) == (
        "unknown variant 'resnet5'; did you mean 'resnet50'? (known: resnet50, vgg)"
    )
    assert unknown("block", "x", []) == "unknown block 'x' (known: none)"
    assert unknown("block", "?", [f"b{i}" for i in range(30)]).endswith(", ... 30 in all)")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("a fault"), "RuntimeError: a fault"),
        (RuntimeError("a fault\nand more"), "RuntimeError: a fault"),
        (MemoryError(), "MemoryError: "),
        (ValueError("ValueError: twice"), "ValueError: twice"),
        (RuntimeError("Traceback (most recent call last):\n  File x\nMXNetError: shapes differ"),
         "RuntimeError: MXNetError: shapes differ"),
    ],
)  # fmt: skip
def test_a_reason_is_one_line(error, line):
    assert reason(error) == line
