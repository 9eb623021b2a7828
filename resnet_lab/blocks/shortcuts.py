"""Shortcuts: what a residual block adds to its branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..network.tensor import Tensor
from ..ops import avg_pool, conv, norm, pad_channels, scope, subsample

Kind = Literal["projection", "pad", "project_all", "avgpool"]


@dataclass(frozen=True)
class Shortcut:
    """The shortcut of one block.

    The shortcut is the identity where the block changes neither the channels nor the size of the map. Elsewhere:

    - `projection`: 1x1 convolution at the stride, then norm (option B of He et al. 2015);
    - `pad`: every stride-th row and column, and channels of zeros; no parameters (option A);
    - `project_all`: a projection in every block, also in place of the identity (option C);
    - `avgpool`: mean over stride x stride, then 1x1 convolution and norm (ResNet-D, He et al. 2019).

    Attributes:
        channels: channels of the block's output.
        stride: the block's stride.
        kind: what changes the shape.
        norm: whether a norm follows a projection.
        bias: whether a projection has a bias.
    """

    channels: int
    stride: int = 1
    kind: Kind = "projection"
    norm: bool = True
    bias: bool = False

    def __call__(self, x: Tensor, activated: Tensor | None = None) -> Tensor:
        """Compute what is added to the branch.

        Args:
            x: the block's input, CxHxW.
            activated: the first activation of a pre-activation block. A projection takes it in place of `x`, and no
                norm follows (He et al. 2016).

        Returns:
            A feature map of the shape of the block's output.
        """
        unchanged = x.channels == self.channels and self.stride == 1
        if unchanged and self.kind != "project_all":
            return x
        with scope(x, "shortcut"):
            if self.kind == "pad":
                return pad_channels(subsample(x, self.stride), self.channels)
            y = x if activated is None else activated
            stride = self.stride
            if self.kind == "avgpool" and stride > 1:
                y, stride = avg_pool(y, stride, stride, padding=0, ceil=True), 1
            y = conv(y, self.channels, 1, stride, bias=self.bias)
            return norm(y) if self.norm and activated is None else y
