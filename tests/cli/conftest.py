"""The command line inside this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image
from typer.testing import CliRunner

from resnet_lab.cli import app as command_line
from resnet_lab.cli.app import build
from tests.conftest import any_engine


@pytest.fixture
def call() -> Callable[..., str]:
    """`call("describe", "resnet18")` gives the output of a command that has to succeed."""

    def invoke(*words: str) -> str:
        done = CliRunner().invoke(build(), list(words))
        assert done.exit_code == 0, done.output
        return done.output

    return invoke


@pytest.fixture
def refused(lab, tmp_path, net) -> Callable[..., str]:
    """`refused("predict", ...)` gives the one message of a command that ends by a mistake."""
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")

    def call(*words: str) -> str:
        engine = () if "--engine" in words else ("--engine", any_engine())
        done = lab(*words, *engine, "--weights", str(net), cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("resnet-lab: ")
        assert len(done.stderr.strip().splitlines()) == 1
        return done.stderr

    return call


@pytest.fixture
def cli(monkeypatch, capsys):
    """The command line in this process, through the same `main` as a person's call."""

    def call(*words):
        monkeypatch.setattr("sys.argv", ["resnet-lab", *words])
        with pytest.raises(SystemExit) as left:
            command_line.main()
        return left.value.code, capsys.readouterr()

    return call
