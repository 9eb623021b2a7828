"""The command line inside this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

import resnet_lab as rl
from resnet_lab.cli.app import build
from resnet_lab.weights import safetensors
from tests.conftest import random_weights


@pytest.fixture
def call() -> Callable[..., str]:
    """`call("describe", "resnet18")` gives the output of a command that has to succeed."""

    def invoke(*words: str) -> str:
        done = CliRunner().invoke(build(), list(words))
        assert done.exit_code == 0, done.output
        return done.output

    return invoke


@pytest.fixture
def net(tmp_path):
    """A file of random weights for the CIFAR ResNet-20, without metadata."""
    graph = rl.graph("cifar_resnet20")
    path = tmp_path / "net.safetensors"
    safetensors.save(path, random_weights(graph))
    return path
