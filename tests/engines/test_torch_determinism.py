"""PyTorch's deterministic mode: everything that it sets, what it puts back, and an operation that lacks such a form."""

import os

import pytest

from resnet_lab import LabError, engines
from tests.conftest import engine_or_skip


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


def settings(torch):
    cudnn = torch.backends.cudnn
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        cudnn.benchmark,
        cudnn.deterministic,
        os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
    )


@pytest.mark.parametrize("workspace", [None, ":16:8"])
def test_everything_is_set_and_put_back(torch, monkeypatch, workspace):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    if workspace is not None:
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", workspace)
    before = settings(torch)
    assert before == (False, False, True, False, workspace)
    seen = []

    def fails():
        seen.append(settings(torch))
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"), engines.get("torch").deterministic():
        fails()
    assert seen == [(True, False, False, True, workspace or ":4096:8")]
    assert settings(torch) == before


def test_an_operation_without_a_deterministic_form_is_named_in_plain_words(torch):
    before = settings(torch)
    with (
        pytest.raises(LabError, match=r"PyTorch has no deterministic form of put_ on this device"),
        engines.get("torch").deterministic(),
    ):
        torch.zeros(3).put_(torch.tensor([0]), torch.ones(1))
    assert settings(torch) == before
    with pytest.raises(RuntimeError, match="another"), engines.get("torch").deterministic():
        raise RuntimeError("another error")
