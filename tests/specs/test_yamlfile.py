"""YAML files: safe values, the line of each, and messages for what is wrong."""

import pytest

from resnet_lab import LabError
from resnet_lab.specs.yamlfile import dotted, parse, read, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("010", 10),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ("true", True),
        ("null", None),
        ("[1, a]", [1, "a"]),
        (".5", 0.5),
    ],
)
def test_plain_values_are_those_of_yaml_1_2(text, value):
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_every_value_has_its_line():
    document = parse("a: 1\nb:\n  - c: 2\n  - d\n", "f.yaml")
    assert document.value == {"a": 1, "b": [{"c": 2}, "d"]}
    assert [document.mark(path) for path in (("a",), ("b", 0, "c"), ("b", 1))] == [
        ("f.yaml", 1),
        ("f.yaml", 3),
        ("f.yaml", 4),
    ]
    assert document.mark(("b", 0, "absent")) == ("f.yaml", 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "f.yaml:2: the key 'a' stands twice in one mapping"),
        ("- 1\n", "f.yaml:1: begins with a sequence, where a mapping of keys was expected"),
        ("", "f.yaml:1: is empty, where a mapping of keys was expected"),
        ("a: [1\n", "f.yaml:2: is no valid YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", "f.yaml:1: the tag .* is refused: a spec holds plain"),
        ("true: 1\n", "f.yaml:1: the key True is no word"),
        ("a: &a [*a]\n", "f.yaml:1: "),
    ],
)
def test_what_is_no_spec_is_refused_with_its_line(text, message):
    with pytest.raises(LabError, match=message):
        parse(text, "f.yaml")


def test_aliases_that_multiply_are_refused():
    lists = [f"k{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)]
    text = "k0: &a0 [x]\n" + "".join(lists)
    with pytest.raises(LabError, match="nests too deeply or grows too large"):
        parse(text, "f.yaml")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(LabError, match=r"absent.yaml: cannot be read: No such file or directory"):
        read(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabError, match=r"binary.yaml: is no UTF-8 text"):
        read(tmp_path / "binary.yaml")


def test_a_value_is_set_with_its_mark():
    document = parse("a:\n  b: [1, 2]\n", "f.yaml")
    document.put(("a", "b", 1), 5, ("--set", 0))
    document.put(("c", "d"), 6, ("--set", 0))
    assert document.value == {"a": {"b": [1, 5]}, "c": {"d": 6}}
    assert document.mark(("a", "b", 1)) == document.mark(("c", "d")) == ("--set", 0)
    for path in (("a", "b", 2), ("a", "b", "x")):
        with pytest.raises(LabError, match=f"'{dotted(path)}': 'a.b' has the places 0 to 1"):
            document.put(path, 0, ("--set", 0))


def test_an_error_inside_gets_the_place_of_a_value():
    document = parse("a: 1\nb: 2\n", "f.yaml")
    with pytest.raises(LabError) as caught, document.at("b"):
        raise LabError("is wrong")
    assert str(caught.value) == "f.yaml:2: is wrong"
