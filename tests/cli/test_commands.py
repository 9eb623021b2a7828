"""The registry of commands: each is a module with one command and a page of help with an example."""

import importlib

import pytest

from resnet_lab.cli.commands import COMMANDS, module_of
from tests.conftest import ROOT, heavy_imports


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_a_module_with_an_example(call, name):
    module = importlib.import_module(f"resnet_lab.cli.{module_of(name)}")
    assert hasattr(module, "command") != hasattr(module, "app")
    if hasattr(module, "command"):
        assert module.command.__doc__.partition("\n")[0].endswith(".")
        assert f"resnet-lab {name}" in " ".join(call(name, "--help").split())


def test_the_help_lists_every_command_in_order(call):
    rows = [line.strip("│ ").split() for line in call("--help").splitlines() if line.startswith("│ ")]
    assert [row[0] for row in rows if row[0] in COMMANDS] == list(COMMANDS)


def test_every_command_is_registered():
    shared = {"__init__", "app", "calibrating", "clusters", "commands", "compare_table", "difference", "edf", "options"}
    shared |= {"predicted_cost", "tables", "verdicts"}
    modules = {path.stem for path in (ROOT / "resnet_lab" / "cli").glob("*.py")}
    assert modules - shared == set(map(module_of, COMMANDS))


def test_help_imports_neither_numpy_nor_pandas_nor_a_framework():
    assert heavy_imports("from resnet_lab.cli.app import build; build()") == []
