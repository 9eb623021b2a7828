"""The block registry: a block is a function of a tensor, a width, a stride and a shortcut.

The further keyword parameters of the function are the block's options, which a stage spec may set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..base.registry import Entry, Registry
from ..network.graph import GraphError, show
from ..network.tensor import Tensor
from .shortcuts import Shortcut


@dataclass(frozen=True)
class Block(Entry):
    """A registered block; its output is `channels` x `expansion` wide."""

    expansion: int = 1

    def apply(self, x: Tensor, channels: int, stride: int, shortcut: Shortcut, **options: object) -> Any:
        """What the function makes of `x`."""
        return self.function(x, channels, stride, shortcut, **options)

    def __call__(self, x: Tensor, channels: int, stride: int, shortcut: Shortcut, **options: object) -> Tensor:
        """Apply the block to `x`, CxHxW.

        Raises:
            GraphError: the block does not return the shape that its spec promises.
        """
        y = self.apply(x, channels, stride, shortcut, **options)
        if not isinstance(y, Tensor):
            raise GraphError(f"block '{self.name}' ({self.source}) returned {y!r} instead of a tensor")
        expected = (channels * self.expansion, -(-x.shape[1] // stride), -(-x.shape[2] // stride))
        if y.shape != expected:
            raise GraphError(
                f"block '{self.name}' ({self.source}) made {show(y.shape)} of {show(x.shape)}, where "
                f"channels {channels}, expansion {self.expansion} and stride {stride} promise "
                f"{show(expected)}"
            )
        return y


BLOCKS: Registry[Block] = Registry("block")


def block(
    name: str, *, expansion: int = 1, replace: bool = False
) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Register a function as the block `name`.

    Args:
        expansion: its output is this many times as wide as the stage's `channels`.
        replace: take the name over, if it is taken; for notebooks.

    Raises:
        LabError: the name is taken.
    """

    def register(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        given = ("x", "channels", "stride", "shortcut")
        BLOCKS.add(Block("block", name, function, given, expansion=expansion), replace)
        return function

    return register
