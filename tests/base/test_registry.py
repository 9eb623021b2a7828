"""Registries: names, cells that are run again, and what is forgotten."""

from __future__ import annotations

import pytest

from resnet_lab.base.errors import LabError
from resnet_lab.base.registry import REGISTRIES, Entry, Registry, temporary
from resnet_lab.specs.plugins import load_file


@pytest.fixture
def things() -> Registry[Entry]:
    registry: Registry[Entry] = Registry("thing")
    yield registry
    REGISTRIES.remove(registry)


def build(x): ...


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
