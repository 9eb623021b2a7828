"""Registries: names, options, and what is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from resnet_lab.base.errors import LabError
from resnet_lab.base.registry import REGISTRIES, Entry, OptionError, Registry, temporary
from resnet_lab.specs.plugins import load_file

if TYPE_CHECKING:
    from nowhere import Unknown


@pytest.fixture
def things() -> Registry[Entry]:
    registry: Registry[Entry] = Registry("thing")
    yield registry
    REGISTRIES.remove(registry)


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


def test_a_taken_name_is_refused_and_can_be_replaced(things):
    things.add(Entry("thing", "one", build))
    with pytest.raises(LabError, match=r"thing 'one' \(.*\) is taken already, by .*; choose another name, or replace"):
        things.add(Entry("thing", "one", print_nothing))
    things.add(Entry("thing", "one", print_nothing), replace=True)
    assert things.get("one").function is print_nothing


def print_nothing(): ...


def typed(text: str, cell: str) -> Entry:
    """An entry for a function that was typed into a session."""
    space: dict = {"__name__": "__main__"}
    exec(compile(text, cell, "exec"), space)
    return Entry("thing", "one", space["mine"])


def test_a_cell_that_is_run_again_replaces_its_own_function(things):
    things.add(typed("def mine(): return 1", "<cell 1>"))
    things.add(typed("def mine(): return 2", "<cell 2>"))
    assert things.get("one").function() == 2
    with pytest.raises(LabError, match="is taken already, by <cell 2>:1; .* replace=True"):
        things.add(Entry("thing", "one", print_nothing))


def test_a_name_given_twice_in_one_script_is_refused(things, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def mine(): ...\n")
    things.add(typed("def mine(): ...", str(script)))
    with pytest.raises(LabError, match=r"taken already, by .*script.py:1"):
        things.add(typed("def mine(): ...", str(script)))


def test_an_unknown_name_lists_the_known_ones(things):
    things.add(Entry("thing", "one", build))
    with pytest.raises(LabError, match=r"unknown thing 'ones'; did you mean 'one'\? \(known: one\)"):
        things.get("ones")
    assert things.find("ones") is None


def test_what_is_registered_temporarily_is_forgotten(things):
    with temporary():
        things.add(Entry("thing", "passing", build))
        assert "passing" in things.entries
    assert "passing" not in things.entries


FILE = "from resnet_lab import block\n\n@block('own', expansion={})\ndef own(x, channels, stride, shortcut): ...\n"


def test_a_file_whose_entries_were_forgotten_is_loaded_again(tmp_path):
    from resnet_lab.blocks import BLOCKS

    file = tmp_path / "own.py"
    file.write_text(FILE.format(1))
    with temporary():
        load_file(file, ("spec", 1))
        assert "own" in BLOCKS.entries
    assert "own" not in BLOCKS.entries
    load_file(file, ("spec", 1))
    assert "own" in BLOCKS.entries


def test_a_file_that_changed_in_the_meantime_is_loaded_again(tmp_path):
    from resnet_lab.blocks import BLOCKS

    file = tmp_path / "own.py"
    file.write_text(FILE.format(1))
    load_file(file, ("spec", 1))
    with temporary():
        file.write_text(FILE.format(2))
        load_file(file, ("spec", 1))
    assert BLOCKS.get("own").expansion == 1
    load_file(file, ("spec", 1))
    assert BLOCKS.get("own").expansion == 2
