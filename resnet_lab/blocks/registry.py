"""The block registry: a block is a function of a tensor, a width, a stride and a shortcut.

Further keyword parameters of the function are the block's options, which a stage spec may set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..base.entry import Entry
from ..base.registry import Registry, check_name
from ..network.graph import GraphError, show
from ..network.tensor import Tensor
from .shortcuts import Shortcut


@dataclass(frozen=True)
class Block(Entry):
    """A registered block.

    Attributes:
        expansion: the output has `channels * expansion` channels.
    """

    expansion: int = 1

    def apply(self, x: Tensor, channels: int, stride: int, shortcut: Shortcut, **options: object) -> Any:
        """Call the registered function."""
        return self.function(x, channels, stride, shortcut, **options)

    def __call__(self, x: Tensor, channels: int, stride: int, shortcut: Shortcut, **options: object) -> Tensor:
        """Apply the block.

        Args:
            x: the block's input, CxHxW.
            channels: the width.
            stride: the stride.
            shortcut: the block's shortcut, to `channels * expansion` channels.
            options: the block's own options.

        Returns:
            The block's output, (channels * expansion)xH'xW'.

        Raises:
            GraphError: The block returns another shape, or something that is no tensor.
        """
        y = self.apply(x, channels, stride, shortcut, **options)
        if not isinstance(y, Tensor):
            raise GraphError(f"block '{self.name}' ({self.source}) returned {y!r} instead of a tensor")
        expected = (channels * self.expansion, -(-x.shape[1] // stride), -(-x.shape[2] // stride))
        if y.shape != expected:
            raise GraphError(
                f"block '{self.name}' ({self.source}) made {show(y.shape)} of {show(x.shape)}, where "
                f"channels {channels}, expansion {self.expansion} and stride {stride} demand {show(expected)}"
            )
        return y


BLOCKS: Registry[Block] = Registry("block")


def block(
    name: str, *, expansion: int = 1, replace: bool = False
) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Register a function as a block.

    Args:
        name: the name that stage specs use.
        expansion: the output has `expansion` times as many channels as the stage's `channels`.
        replace: whether to replace a block of the same name. A notebook's cell that is run again needs no `replace`.

    Raises:
        LabError: The name is taken or missing.
    """
    check_name("block", name)

    def register(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        given = ("x", "channels", "stride", "shortcut")
        BLOCKS.add(Block("block", name, function, given, expansion=expansion), replace)
        return function

    return register
