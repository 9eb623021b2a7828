"""docs/tutorial.md, run as it is written from an empty folder: its files, its commands, its Python."""

import contextlib
import io
import re
import shlex

import pytest
from typer.testing import CliRunner

import resnet_lab as rl
from resnet_lab.cli.app import build
from tests.conftest import ROOT, any_engine

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
STEP = re.compile(r"(?:Write this into `(?P<file>[^`]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
SMALL = ("--set", "seeds=2", "--set", "train.epochs=1", "--set", "data.limit=64")
"""What the form that always runs adds to `resnet-lab run open`: fewer seeds, fewer epochs, fewer images."""


def follow(small, monkeypatch):
    """Do what the page says; give what each command printed."""
    printed = {}
    for step in STEP.finditer(PAGE):
        if step["file"]:
            with open(step["file"], "w", encoding="utf-8") as file:
                file.write(step["text"])
        elif step["kind"] == "console":
            for command in re.findall(r"^\$ (.*)$", step["text"], re.M):
                program, *words = shlex.split(command)
                if program == "cd":
                    monkeypatch.chdir(words[0])
                    continue
                assert program == "resnet-lab"
                done = CliRunner().invoke(build(), [*words, *(SMALL if small and words == ["run", "open"] else ())])
                assert done.exit_code == 0, f"{command}\n{done.output}"
                printed[command] = done.output
        else:
            with contextlib.redirect_stdout(io.StringIO()) as said:
                exec(compile(step["text"], "tutorial.md", "exec"), {})
            printed["python"] = said.getvalue()
    return printed


def shown(command):
    """The lines that the page shows under a command."""
    [text] = [step["text"] for step in STEP.finditer(PAGE) if f"$ {command}\n" in step["text"]]
    return text.partition(f"$ {command}\n")[2].partition("\n$ ")[0].split()


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    any_engine()
    return tmp_path


def test_the_tutorial_with_fewer_seeds(empty, monkeypatch):
    printed = follow(True, monkeypatch)
    assert "\n".join(printed).count("resnet-lab run") == 3
    [describe] = [command for command in printed if "describe" in command]
    assert printed[describe].split() == shown(describe)
    assert "2 trials" in printed["resnet-lab run open --preset quick --dry-run"]
    assert len(rl.results("results/open-quick")) == 2
    assert "4 of 4 trials done" in printed["resnet-lab status results/open"]
    assert "undecided" in printed["resnet-lab run open"]
    assert "open20" in printed["python"]
    assert (empty / "my_idea" / "open.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_tutorial_as_it_is_written(empty, monkeypatch):
    printed = follow(False, monkeypatch)
    trials = rl.results("results/open")
    assert trials["status"].tolist() == ["ok"] * 16
    assert trials["test_accuracy"].min() > 0.9
    assert "16 of 16 trials done" in printed["resnet-lab status results/open"]
    assert re.search(r"open20 +test accuracy +(better|worse|same|undecided) +8 ", printed["resnet-lab run open"])
