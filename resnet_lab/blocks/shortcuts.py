"""What a residual block adds to its branch: the identity where shapes allow, else a way to the wider shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..network.tensor import Tensor
from ..ops import avg_pool, conv, norm, pad_channels, scope, subsample

Kind = Literal["projection", "pad", "project_all", "avgpool"]


@dataclass(frozen=True)
class Shortcut:
    """The shortcut of one block, from its input to `channels` at `stride`.

    Where neither changes, it is the identity (but under `project_all`). Where one does:

    - `projection`: 1x1 convolution at the stride, then norm (option B of He et al. 2015);
    - `pad`: every stride-th pixel, zero channels on both sides, no parameters (option A);
    - `project_all`: a projection in every block (option C);
    - `avgpool`: mean over stride x stride, then 1x1 convolution and norm (ResNet-D, He et al. 2019).
    """

    channels: int
    stride: int = 1
    kind: Kind = "projection"
    norm: bool = True
    bias: bool = False

    def __call__(self, x: Tensor, activated: Tensor | None = None) -> Tensor:
        """What to add to the branch.

        Args:
            x: the block's input, CxHxW; the identity and `pad` take it.
            activated: in a pre-activation block, what a projection starts from instead; it
                then gets no norm (He et al. 2016).
        """
        same = x.channels == self.channels and self.stride == 1
        if same and self.kind != "project_all":
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
