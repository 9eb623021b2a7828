"""The pages for people agree with the code: their links, examples and commands, and what they say about the rooms."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

import pytest
import typer
import typer.main
import yaml

import resnet_lab
from resnet_lab import data
from resnet_lab.blocks.registry import BLOCKS
from resnet_lab.blocks.stems import STEMS
from resnet_lab.cli.app import build
from resnet_lab.data import DATASETS
from resnet_lab.specs import describe, experiment, variant
from tests.conftest import ROOT
from tests.test_rooms import ALONE, ROOMS, imports, modules, name_of, room_of

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "results/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
ARCHITECTURE = ROOT / "docs" / "architecture.md"

EXAMPLES_THAT_DO_NOT_RUN = {
    "from mxnet": "needs MXNet",
    'engine="mxnet"': "builds a network in MXNet and in PyTorch, from a file of weights",
    "rl.calibrate(": "measures for minutes",
    "rl.run(": "trains for minutes, and reads files of weights",
    'rl.results("results/open")': "reads what the tutorial has trained; tests/test_tutorial.py runs it",
}
"""A mark of each Python example that is only parsed, and the reason."""

COMMANDS_THAT_DO_NOT_RUN = {
    "run experiments/my_block.yaml --dry-run": "needs the engine mxnet",
    "run": "trains for minutes",
    "try": "trains for minutes",
    "bench": "measures for minutes",
    "compare": "needs the results of a sweep",
    "report": "needs the results of a sweep",
    "status": "needs the results of a sweep",
    "init": "makes a folder",
    "describe resnet50 --plot": "writes a file",
    "describe resnet50 --input 3x64x64 --on here": "needs a calibration of this machine",
    "describe open20": "needs the files of the tutorial; tests/test_tutorial.py runs it",
    "predict": "needs trained weights",
    "evaluate": "needs trained weights",
    "export": "needs trained weights",
    "data": "reads or downloads data",
    "doctor": "prints facts about the machine",
    "list datasets": "shows what the workspace holds",
}
"""The first words of each command that is only parsed, and the reason."""


@dataclass(frozen=True)
class Fence:
    """A fenced block of code: its language, its text, and where it stands."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def fences(language: str) -> list[Fence]:
    return [fence for page in PAGES for fence in _fences(page) if fence.language == language]


def _fences(page: Path) -> Iterator[Fence]:
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        yield Fence(page, found.string[: found.start()].count("\n") + 1, found[1], found[2])


def without_fences(page: Path, language: str) -> str:
    """The text of a page without its fenced blocks in a language."""
    fence = rf"^```{language}\n.*?^```$"
    return re.sub(fence, "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every `resnet-lab` command of the pages, each once: in examples, in indented lines, and inside sentences."""
    found: list[str] = []
    for page in PAGES:
        text = without_fences(page, "diff")
        found += re.findall(r"^(?:\$ | {4})(resnet-lab .*)$", text, re.MULTILINE)
        found += [" ".join(span.split()) for span in re.findall(r"`(resnet-lab\s[^`]*)`", text)]
    return list(dict.fromkeys(found))


def reason_not_to_run(command: str) -> str | None:
    words = command.removeprefix("resnet-lab ")
    return next((why for start, why in COMMANDS_THAT_DO_NOT_RUN.items() if f"{words} ".startswith(f"{start} ")), None)


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as web pages make them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def rows(page: Path, columns: int) -> list[list[str]]:
    """The cells of all tables of a page that have this number of columns."""
    lines = [line.strip().strip("|") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    return [row for row in cells if len(row) == columns and not row[0].startswith("---")]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_fences(page, r"\w*")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in headings(file), f"{page.name} links to {target}"


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index


def test_every_page_is_in_the_site():
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert re.search(rf"[-:] {re.escape(page.name)}$", site, re.MULTILINE), page.name


@pytest.mark.parametrize("fence", fences("python"), ids=str)
def test_python_examples_work(fence):
    code = compile(fence.text, str(fence), "exec", dont_inherit=True)
    if any(mark in fence.text for mark in EXAMPLES_THAT_DO_NOT_RUN):
        return
    before = {*BLOCKS.entries, *STEMS.entries, *DATASETS.entries}
    exec(code, {"__name__": "example"})
    for name in {*BLOCKS.entries} - before:
        assert describe.block(name, "64x56x56", 64, 2, "projection", [], None).graph.params
    for name in {*STEMS.entries} - before:
        assert variant.load("resnet18", {"stem": {"type": name, "channels": 64}}).graph().params
    for name in {*DATASETS.entries} - before:
        assert len(data.load(name).train) == DATASETS.get(name).facts({}).count


def test_every_excuse_for_an_example_is_needed():
    for mark in EXAMPLES_THAT_DO_NOT_RUN:
        assert any(mark in fence.text for fence in fences("python")), mark


@pytest.mark.parametrize("fence", [fence for fence in fences("yaml") if fence.page.stem != "tutorial"], ids=str)
def test_yaml_examples_are_valid(fence, workspace):
    """Those of the tutorial need each other, and tests/test_tutorial.py runs them."""
    values = yaml.safe_load(fence.text)
    recipe = {"variants": ["resnet18"], "train": {"epochs": 1, "batch_size": 8}}
    shutil.copy(ROOT / "variants" / "se_basic.py", workspace / "variants")
    if "extends" in values or "stages" in values:
        (workspace / "variants" / "example.yaml").write_text(fence.text)
        assert variant.load("example").graph().params
    else:
        file = workspace / "experiments" / "example.yaml"
        file.write_text(yaml.safe_dump(recipe | values))
        spec = experiment.load(file).spec
        assert DATASETS.get(spec.data.name).check(spec.data.options) == spec.data.options


@pytest.mark.parametrize("command", commands())
def test_commands_are_taken_by_the_command_line(command):
    words = shlex.split(command)[1:]
    if len(words) == 1:  # a sentence names the command, without its arguments
        words.append("--help")
    current = typer.main.get_command(build())
    with suppress(typer.Exit):  # --help ends the parsing
        context = current.make_context("resnet-lab", words)
        while isinstance(current, typer.main.TyperGroup):
            name, current, rest = current.resolve_command(context, [*context._protected_args, *context.args])
            context = current.make_context(name, rest, parent=context)


CHEAP = [command for command in commands() if command.count(" ") > 1 and not reason_not_to_run(command)]


@pytest.mark.parametrize("command", CHEAP)
def test_cheap_commands_run_and_print_what_is_shown(command, lab):
    result = lab(*shlex.split(command)[1:], cwd=ROOT)
    assert result.returncode == 0, result.stderr
    shown = [line.rstrip() for line in _shown_output(command) if line.strip()]
    if shown:
        assert [line.rstrip() for line in result.stdout.splitlines() if line.strip()] == shown


def _shown_output(command: str) -> list[str]:
    for fence in fences("console"):
        _, found, rest = fence.text.partition(f"$ {command}\n")
        if found:
            return rest.partition("\n$ ")[0].splitlines()
    return []


def test_modules_that_a_page_runs_are_there():
    for page in PAGES:
        for name in re.findall(r"python -m ([\w.]+)", page.read_text(encoding="utf-8")):
            assert importlib.util.find_spec(name), f"{page.relative_to(ROOT)} runs {name}"


def test_every_excuse_for_a_command_is_needed():
    for start in COMMANDS_THAT_DO_NOT_RUN:
        assert any(f"{command} ".startswith(f"resnet-lab {start} ") for command in commands()), start


@pytest.mark.parametrize("page", [ARCHITECTURE, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_files_named_for_those_who_carry_on_are_there(page):
    for name in quoted(without_fences(page, r"\w*")):
        is_path = re.fullmatch(r"[\w.-]+/[\w./-]+\.(py|md|yaml|toml)|(resnet_lab|tests|docs|variants)/[\w/]*", name)
        if is_path and not {"ROOM", "NAME"} & set(re.split(r"\W", name)):  # these words take the place of any name
            assert (ROOT / name).exists(), name


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_every_module_has_its_room_in_the_architecture(path):
    described = {quoted(row[0])[0] for row in rows(ARCHITECTURE, 4) if quoted(row[0])}
    room = room_of(name_of(path))
    assert room in {*described, None, "__main__"}


def test_the_table_of_rooms_allows_what_the_order_of_imports_allows():
    table = {quoted(row[0])[0]: set(quoted(row[2])) for row in rows(ARCHITECTURE, 4) if quoted(row[0])}
    assert set(table) == {*ROOMS, "cli"}
    for index, room in enumerate(ROOMS):
        assert table[room] == ALONE.get(room, set(ROOMS[:index])), room


def test_the_picture_shows_the_imports():
    [picture] = [fence for fence in fences("mermaid") if fence.page == ARCHITECTURE]
    arrows: dict[str, set[str]] = {}
    for upper, lower in re.findall(r"^\s*(\w+) --> (\w+)$", picture.text, re.MULTILINE):
        arrows.setdefault(upper, set()).add(lower)
        assert lower in ALONE.get(upper, set(ROOMS[: ROOMS.index(upper)] if upper in ROOMS else ROOMS))

    def below(room: str) -> set[str]:
        return arrows.get(room, set()).union(*(below(lower) for lower in arrows.get(room, ())))

    for path in modules():
        room = room_of(name_of(path))
        used = {room_of(module) for module, _, _ in imports(path)} & set(ROOMS)
        assert room in (None, "__main__") or used <= below(room) | {room}, name_of(path)


def test_the_path_of_an_experiment_names_functions_that_are_there():
    steps = [row for row in rows(ARCHITECTURE, 5) if row[0].isdecimal()]
    assert [int(row[0]) for row in steps] == list(range(1, len(steps) + 1))
    files = [quoted(row[1])[0] for row in steps]
    assert len(set(files)) == len(files), "a file is entered twice"
    for number, (_, _, function, caller, _) in enumerate(steps):
        tree = ast.parse((ROOT / files[number]).read_text())
        assert quoted(function)[0] in {
            node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        }
        for earlier in quoted(caller):
            assert earlier in files[:number]
            module = files[number].removesuffix(".py").replace("/", ".")
            assert _mentions(ROOT / earlier, module), f"{earlier} does not use {module}"


def _mentions(path: Path, module: str) -> bool:
    return module in path.read_text() or any(found == module for found, _, _ in imports(path))


def test_hooks_and_workflow_call_the_commands_of_the_makefile():
    [lint] = re.findall(r"^lint:.*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == lint.replace("$(BIN)", ".venv/bin").split(" && ")
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    last = {name: job["steps"][-1]["run"] for name, job in jobs.items()}
    assert last == {"test": ".ci/run", "lint": "make lint"}


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
@pytest.mark.parametrize(("torch", "extras"), [("", {"mxnet", "test"}), ("torch", {"mxnet", "test", "torch"})])
def test_make_test_installs_extras_that_exist(torch, extras):
    settings = [f"TORCH={torch}", f"PYTHON={sys.executable}"]
    command = ["make", "--dry-run", "--always-make", ".venv/.installed-test", *settings]
    # Without what an outer `make test` was given.
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES")}
    printed = subprocess.run(command, cwd=ROOT, env=outside, capture_output=True, text=True, check=True).stdout
    [asked] = re.findall(r"-e '\.\[(.*)\]'", printed)
    assert set(asked.split(",")) == extras
    assert extras <= set(metadata("resnet-lab").get_all("Provides-Extra"))


def test_the_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == resnet_lab.__version__
    assert citation["license"] == "Apache-2.0"
