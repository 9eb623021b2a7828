"""The modules that PyTorch lacks, or has under other parameter names or with a fault that a network must not meet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

NARROW = 64
"""A strided 1x1 convolution with fewer channels is a `StridedPointwise`; wrong results were seen up to 15 channels."""


class LayerNorm(nn.LayerNorm):
    """Layer norm over the channels of each position (Ba et al. 2016), from (batch, C, H, W) to the same shape.

    nn.LayerNorm normalises the last axis, so that the channels are moved there and back.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class FrozenBatchNorm(nn.BatchNorm2d):
    """Batch norm that uses its running statistics in training too, and does not change them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, var = self.running_mean, self.running_var
        return functional.batch_norm(x, mean, var, self.weight, self.bias, training=False, eps=self.eps)


class StridedPointwise(nn.Conv2d):
    """A 1x1 convolution with a stride, which on the CPU reads a subsampled input with stride 1.

    The result is that of nn.Conv2d by definition. On the CPU, PyTorch's own kernel for this convolution computes wrong
    weight gradients, or crashes, if the memory is laid out channels last and there are few channels (seen with PyTorch
    2.13 up to 15 input channels, not from 16 on). Wide convolutions keep PyTorch's kernel, which is faster.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.is_cuda:
            return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, groups=self.groups)
        rows, columns = self.padding[0], self.padding[1]
        if rows > 0 or columns > 0:
            x = functional.pad(x, [columns, columns, rows, rows])
        x = x[:, :, :: self.stride[0], :: self.stride[1]]
        return functional.conv2d(x, self.weight, self.bias, groups=self.groups)


class ChannelConv(nn.Conv1d):
    """A 1-D convolution along the channels of (batch, C) or (batch, C, 1, 1), to the same shape (ECA-Net)."""

    def __init__(self, kernel: int) -> None:
        super().__init__(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.flatten(1).unsqueeze(1)).reshape(x.shape)


class LayerScale(nn.Module):
    """Multiply each channel by a trained factor (Touvron et al. 2021, "Going deeper with Image Transformers").

    Args:
        shape: the shape of the input without its batch axis; channels first.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(shape[0]))
        self.around = (1,) * (len(shape) - 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale.view(-1, *self.around)


class PReLU(nn.Module):
    """PReLU (He et al. 2015) with one slope for each channel; nn.PReLU calls the slopes `weight`, the graph `slope`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.prelu(x, self.slope)


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016): in training, set each image of a batch to zero with probability `rate`.

    The other images are divided by 1 - rate, so that the mean stays the same. In inference mode nothing changes.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.rate:
            return x
        kept = torch.rand(x.shape[0], *(1,) * (x.dim() - 1), device=x.device) >= self.rate
        return x * kept.to(x.dtype) / (1 - self.rate)
