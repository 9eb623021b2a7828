"""The command line inside this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from resnet_lab.cli.app import build


@pytest.fixture
def call() -> Callable[..., str]:
    """`call("describe", "resnet18")` gives the output of a command that has to succeed."""

    def invoke(*words: str) -> str:
        done = CliRunner().invoke(build(), list(words))
        assert done.exit_code == 0, done.output
        return done.output

    return invoke
