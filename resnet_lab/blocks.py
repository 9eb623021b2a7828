"""The block registry and the built-in blocks.

A block is a function of a tensor, a width, a stride and a shortcut; its further keyword parameters
are options that a stage spec may set.

Sources: He et al. 2015, Deep Residual Learning, arXiv 1512.03385; He et al. 2016, Identity
Mappings in Deep Residual Networks, arXiv 1603.05027; Xie et al. 2017, ResNeXt, arXiv 1611.05431;
Zagoruyko and Komodakis 2016, Wide Residual Networks, arXiv 1605.07146.

Options that several blocks share: `se` weights the branch channel by channel, at this reduction
(gates.py); `stride_on` says which convolution of a bottleneck has the stride: the first 1x1 (the
paper, Gluon's v1) or the 3x3 (v1b, torchvision and most later work); `groups` and `base_width` make
a bottleneck's 3x3 that of ResNeXt, `groups` paths of `channels * base_width / 64` channels each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .gates import GateLayer, squeeze_excite
from .graph import GraphError, Tensor, show
from .ops import conv, dropout, norm, relu
from .registry import Entry, Registry
from .shortcuts import Shortcut

BLOCKS = Registry("block")
StrideOn = Literal["1x1", "3x3"]


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


def _basic_branch(x: Tensor, channels: int, stride: int, bias: bool) -> Tensor:
    y = relu(norm(conv(x, channels, 3, stride, bias=bias)))
    return norm(conv(y, channels, 3, bias=bias))


def _gated(y: Tensor, se: int | None, se_layer: GateLayer) -> Tensor:
    return y if se is None else squeeze_excite(y, se, se_layer)


@block("basic")
def basic(
    x: Tensor,
    channels: int,
    stride: int,
    shortcut: Shortcut,
    *,
    conv_bias: bool = False,
    se: int | None = None,
    se_layer: GateLayer = "dense",
) -> Tensor:
    """Two 3x3 convolutions (He et al. 2015, Fig. 5 left)."""
    y = _gated(_basic_branch(x, channels, stride, conv_bias), se, se_layer)
    return relu(y + shortcut(x))


@block("plain_basic")
def plain_basic(x: Tensor, channels: int, stride: int, shortcut: Shortcut, *, conv_bias: bool = False) -> Tensor:
    """`basic` without its shortcut: the plain nets of He et al. 2015, Fig. 3 middle."""
    return relu(_basic_branch(x, channels, stride, conv_bias))


def _bottleneck_branch(
    x: Tensor,
    channels: int,
    stride: int,
    stride_on: StrideOn,
    bias: bool | Literal["1x1"],
    groups: int = 1,
    base_width: int = 64,
) -> Tensor:
    first, second = (stride, 1) if stride_on == "1x1" else (1, stride)
    width = channels * base_width // 64 * groups
    y = relu(norm(conv(x, width, 1, first, bias=bool(bias))))
    y = relu(norm(conv(y, width, 3, second, groups=groups, bias=bias is True)))
    return norm(conv(y, channels * 4, 1, bias=bool(bias)))


@block("bottleneck", expansion=4)
def bottleneck(
    x: Tensor,
    channels: int,
    stride: int,
    shortcut: Shortcut,
    *,
    stride_on: StrideOn = "1x1",
    conv_bias: bool | Literal["1x1"] = False,
    groups: int = 1,
    base_width: int = 64,
    se: int | None = None,
    se_layer: GateLayer = "dense",
) -> Tensor:
    """1x1 down, 3x3, 1x1 up (He et al. 2015, Fig. 5 right).

    `conv_bias`: none (the paper), all, or only the 1x1 convolutions (Gluon's v1).
    """
    y = _bottleneck_branch(x, channels, stride, stride_on, conv_bias, groups, base_width)
    return relu(_gated(y, se, se_layer) + shortcut(x))


@block("plain_bottleneck", expansion=4)
def plain_bottleneck(
    x: Tensor,
    channels: int,
    stride: int,
    shortcut: Shortcut,
    *,
    stride_on: StrideOn = "1x1",
    conv_bias: bool | Literal["1x1"] = False,
) -> Tensor:
    """`bottleneck` without its shortcut."""
    return relu(_bottleneck_branch(x, channels, stride, stride_on, conv_bias))


def _preact_join(x: Tensor, activated: Tensor, y: Tensor, shortcut: Shortcut, identity: str, project: str) -> Tensor:
    if identity == "activated":
        return y + shortcut(activated, activated)
    return y + shortcut(x, activated if project == "activated" else x)


@block("preact_basic")
def preact_basic(
    x: Tensor,
    channels: int,
    stride: int,
    shortcut: Shortcut,
    *,
    identity: Literal["input", "activated"] = "input",
    project: Literal["input", "activated"] = "activated",
    dropout_rate: float | None = None,
    se: int | None = None,
    se_layer: GateLayer = "dense",
) -> Tensor:
    """Norm, ReLU, 3x3 convolution, twice (He et al. 2016, Fig. 1b).

    `identity`: what an identity shortcut carries; `activated` is for the very first block, whose
    activation the paper puts before the split. `project`: what a projection starts from; `input`
    is Gluon-CV's CIFAR nets. `dropout_rate`: between the convolutions, as in wide residual networks.
    """
    activated = relu(norm(x))
    y = relu(norm(conv(activated, channels, 3, stride)))
    if dropout_rate is not None:
        y = dropout(y, dropout_rate)
    y = _gated(conv(y, channels, 3), se, se_layer)
    return _preact_join(x, activated, y, shortcut, identity, project)


@block("preact_bottleneck", expansion=4)
def preact_bottleneck(
    x: Tensor,
    channels: int,
    stride: int,
    shortcut: Shortcut,
    *,
    stride_on: StrideOn = "1x1",
    identity: Literal["input", "activated"] = "input",
    project: Literal["input", "activated"] = "activated",
    groups: int = 1,
    base_width: int = 64,
    se: int | None = None,
    se_layer: GateLayer = "dense",
) -> Tensor:
    """Norm, ReLU, convolution, three times: 1x1, 3x3, 1x1 (He et al. 2016); `identity` and `project` as above."""
    first, second = (stride, 1) if stride_on == "1x1" else (1, stride)
    width = channels * base_width // 64 * groups
    activated = relu(norm(x))
    y = conv(activated, width, 1, first)
    y = conv(relu(norm(y)), width, 3, second, groups=groups)
    y = _gated(conv(relu(norm(y)), channels * 4, 1), se, se_layer)
    return _preact_join(x, activated, y, shortcut, identity, project)
