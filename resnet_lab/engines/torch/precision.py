"""What a model of the torch engine computes in, and the switches of PyTorch that hold while it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch.backends import cuda, cudnn, mkldnn

_HALF = {"bfloat16": torch.bfloat16, "float16": torch.float16}
"""The precisions in which autocast computes convolutions and dense layers; all other precisions use float32 there."""


class Precision:
    """The precision of one model, as contexts around its computations.

    PyTorch has one switch for TF32 in the whole process, and lets cuDNN use TF32 unless somebody forbids it. But models
    of different precisions take turns in one process. Therefore each model sets the switch around its own computations,
    and then puts back what was there.

    Args:
        name: `float32`, `tf32`, `bfloat16` or `float16`.
        device: the device of the model.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.name, self._device = name, device
        self._autocast = _HALF.get(name)

    @property
    def stored(self) -> torch.dtype:
        """The type of the factors of a product."""
        return self._autocast or torch.float32

    @property
    def scaled(self) -> bool:
        """Whether the loss must be scaled before the backward pass (float16.py)."""
        return self.name == "float16"

    @property
    def capturable(self) -> bool:
        """Whether a training step can be captured as a CUDA graph; with float16, Python decides in each step."""
        return not self.scaled

    @contextmanager
    def forward(self) -> Iterator[None]:
        """The context of a forward pass."""
        with self.products(), torch.autocast(self._device.type, self._autocast, enabled=self._autocast is not None):
            yield

    @contextmanager
    def products(self) -> Iterator[None]:
        """The context of a backward pass, and of any product of float32 matrices.

        Inside it, a GPU may round the factors to TF32 if the precision is `tf32`, and must not if it is another.
        """
        if self._device.type != "cuda":
            yield
            return
        before = [(switch, value) for switch in _switches() if (value := switch.read()) is not None]
        for switch in _switches():
            switch.write(switch.tf32 if self.name == "tf32" else switch.exact)
        try:
            yield
        finally:
            for switch, value in before:
                switch.write(value)


class _Switch:
    """A setting of PyTorch that says whether products of float32 numbers may use TF32.

    Args:
        get, put: read and write the setting.
        exact, tf32: the values that forbid and allow TF32.
    """

    def __init__(self, get: Callable[[], Any], put: Callable[[Any], None], exact: Any, tf32: Any) -> None:
        self._get, self.write, self.exact, self.tf32 = get, put, exact, tf32

    def read(self) -> Any:
        """The value; None if PyTorch cannot say it, because the program has set only the newer settings."""
        try:
            return self._get()
        except RuntimeError:
            return None


@cache
def _switches() -> list[_Switch]:
    """All settings, in the order in which they must be written.

    PyTorch 2.9 has added `fp32_precision`, and raises errors where it contradicts the older settings. Those older ones
    are not enough there: they leave cuDNN's precision open, which then follows `torch.backends.fp32_precision`. With
    both written, in this order, they agree.
    """
    older = [
        _of(cudnn, "allow_tf32", False, True),
        _Switch(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest", "high"),
    ]
    if not hasattr(cuda.matmul, "fp32_precision"):
        return older
    # The last of them is a setting of the CPU, where nothing computes meanwhile; the older setting changes it, too.
    owners = [cudnn, cudnn.conv, cudnn.rnn, cuda.matmul, mkldnn.matmul]
    return older + [_of(owner, "fp32_precision", "ieee", "tf32") for owner in owners]


def _of(owner: Any, name: str, exact: Any, tf32: Any) -> _Switch:
    return _Switch(lambda: getattr(owner, name), lambda value: setattr(owner, name, value), exact, tf32)
