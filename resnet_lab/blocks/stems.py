"""Stems, the layers before the stages: the registry, and the three stems of the literature."""

from __future__ import annotations

from collections.abc import Callable

from ..base.entry import Entry
from ..base.registry import Registry, check_name
from ..network.tensor import Tensor
from ..ops import conv, max_pool, norm, relu

STEMS: Registry[Entry] = Registry("stem")


def stem(name: str, *, replace: bool = False) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Register a function of the images and a width as a stem; its further keyword parameters are options.

    Args:
        name: the name that specs use.
        replace: whether to replace a stem of the same name.

    Raises:
        LabError: The name is missing; or it is taken, and `replace` is not set.
    """
    check_name("stem", name)

    def register(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        STEMS.add(Entry("stem", name, function, ("x", "channels")), replace)
        return function

    return register


@stem("imagenet")
def imagenet(x: Tensor, channels: int, *, conv_bias: bool = False, norm_input: bool = False) -> Tensor:
    """7x7/2 convolution, norm, ReLU, 3x3/2 max pool (He et al. 2015, Table 1).

    Args:
        x: the images, CxHxW.
        channels: channels of the output.
        conv_bias: whether the convolution has a bias.
        norm_input: whether a norm without scale and offset comes first (Gluon's v2).
    """
    if norm_input:
        x = norm(x, scale=False, center=False)
    return max_pool(relu(norm(conv(x, channels, 7, 2, bias=conv_bias))), 3, 2)


@stem("cifar")
def cifar(
    x: Tensor,
    channels: int,
    *,
    conv_bias: bool = False,
    norm_input: bool = False,
    norm_after: bool = True,
    activate: bool = True,
) -> Tensor:
    """3x3 convolution, norm, ReLU (He et al. 2015, section 4.2).

    Args:
        x: the images, CxHxW.
        channels: channels of the output.
        conv_bias: whether the convolution has a bias.
        norm_input: whether a norm without scale and offset comes first.
        norm_after: whether a norm follows the convolution.
        activate: whether a ReLU comes last.
    """
    if norm_input:
        x = norm(x, scale=False, center=False)
    x = conv(x, channels, 3, bias=conv_bias)
    if norm_after:
        x = norm(x)
    return relu(x) if activate else x


@stem("deep")
def deep(x: Tensor, channels: int, *, width: int = 32) -> Tensor:
    """Three 3x3 convolutions, the first at stride 2, then 3x3/2 max pool (ResNet-C, He et al. 2019).

    Args:
        x: the images, CxHxW.
        channels: channels of the output.
        width: channels of the first two convolutions.
    """
    x = relu(norm(conv(x, width, 3, 2)))
    x = relu(norm(conv(x, width, 3)))
    return max_pool(relu(norm(conv(x, channels, 3))), 3, 2)
