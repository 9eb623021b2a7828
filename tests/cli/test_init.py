"""`resnet-lab init`: the workspace runs at once, and nothing that is there is overwritten."""

import re
import shutil
import sys
import zipfile

import pytest

from resnet_lab.results.store import read
from tests.conftest import ROOT, any_engine

FILES = ["README.md", "experiments/first.yaml", "variants/my_block.py", "variants/my_resnet18.yaml"]
TINY = [word for key in ("train.epochs=1", "seeds=[0]", "data.size=16", "data.limit=128") for word in ("--set", key)]


@pytest.mark.usefixtures("trains_here")
def test_the_one_command_of_the_readme_makes_a_table(tmp_path, lab, program):
    any_engine()
    done = program("init", "idea", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "idea"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == FILES
    command = re.findall(r"^    resnet-lab (.*)$", (folder / "README.md").read_text(), re.MULTILINE)[0]
    assert f"resnet-lab {command}" in done.stdout
    done = lab(*command.split(), *TINY, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert list(read(folder / "results" / "first")["variant"]) == ["resnet18", "my_resnet18"]


def test_the_other_commands_of_the_readme_are_commands(tmp_path, call):
    call("init", str(tmp_path / "idea"))
    text = (tmp_path / "idea" / "README.md").read_text()
    for command in re.findall(r"^    resnet-lab (\w+)", text, re.MULTILINE):
        assert "Usage" in call(command, "--help")


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_there_is_refused_and_kept(tmp_path, lab, kind):
    place = tmp_path / "idea"
    if kind == "folder":
        place.mkdir()
    kept = place / "notes.txt" if kind == "folder" else place
    kept.write_text("mine")
    done = lab("init", "idea", cwd=tmp_path)
    assert done.returncode == 2
    assert "name " in done.stderr
    assert "that is new or empty" in done.stderr
    assert kept.read_text() == "mine"
    assert [path.name for path in tmp_path.rglob("*")] in (["idea"], ["idea", "notes.txt"])


def test_an_empty_folder_is_filled(tmp_path, call, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("init", ".")
    assert (tmp_path / "README.md").read_text().startswith(f"# {tmp_path.name}\n")


def test_the_wheel_holds_the_workspace_and_the_templates_of_reports(tmp_path, monkeypatch):
    hatchling = pytest.importorskip("hatchling.build")
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("variants", "experiments", "template", "results/reference", "resnet_lab"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    wheel = hatchling.build_wheel(str(tmp_path))
    held = zipfile.ZipFile(tmp_path / wheel).namelist()
    assert {f"resnet_lab/template/{name}" for name in FILES} <= set(held)
    templates = "resnet_lab/results/report/templates"
    assert {f"{templates}/{name}" for name in ("page.html", "style.css", "script.js")} <= set(held)
