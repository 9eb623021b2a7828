"""The ops: for each, in one function, its shape rule, parameters, multiply-adds and initial values.

Every op takes `Tensor`s (channels first, no batch) and returns one. A new op is a function under
`@op` that ends in `_emit`; each engine then owes it a lowering, which a test demands.
Multiply-adds are counted in `conv` and `dense` only, as the papers do.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, NoReturn

from .network.graph import GraphError, Parameter, Shape, show
from .network.tensor import OPS, Tensor
from .network.window import Size, check_pool_padding, slide


def op(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Enter a function into the op registry under its own name."""
    OPS[function.__name__] = function
    return function


def scope(x: Tensor, name: str) -> AbstractContextManager[None]:
    """Layers made inside `with scope(x, "se"):` carry `se.` in their names."""
    return x.builder.scope(name)


def _refuse(x: Tensor, kind: str, name: str | None, why: str) -> NoReturn:
    raise GraphError(f"{x.builder.next_name(kind, name)}: {why}")


def _emit(
    kind: str,
    /,
    *inputs: Tensor,
    output: Shape,
    name: str | None,
    params: dict[str, Parameter] | None = None,
    macs: int = 0,
    **attrs: Any,
) -> Tensor:
    return inputs[0].builder.emit(kind, inputs, output=output, attrs=attrs, params=params, macs=macs, name=name)


def _whole(x: Tensor, kind: str, name: str | None, **numbers: object) -> None:
    """Refuse what is no whole number, such as channels / 4."""
    for what, value in numbers.items():
        for part in value if isinstance(value, (tuple, list)) else (value,):
            if type(part) is not int and part is not None:
                _refuse(x, kind, name, f"{what} is {value!r}, not a whole number (a division is written //)")


def _map(x: Tensor, kind: str, name: str | None) -> Shape:
    """The shape of `x`, which has to be a feature map."""
    if len(x.shape) != 3:
        _refuse(x, kind, name, f"needs a feature map CxHxW, got {show(x.shape)}")
    return x.shape


def _window(
    x: Tensor,
    kind: str,
    name: str | None,
    kernel: Size,
    stride: int,
    padding: Size | None,
    dilation: int = 1,
    ceil: bool = False,
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Kernel, padding and output extent of a window that slides over `x`; the rule is in window.py."""
    _map(x, kind, name)
    _whole(x, kind, name, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    try:
        return slide(x.shape, kernel, stride, padding, dilation, ceil)
    except GraphError as error:
        _refuse(x, kind, name, error.message)


@op
def conv(
    x: Tensor,
    channels: int,
    kernel: Size,
    stride: int = 1,
    *,
    padding: Size | None = None,
    groups: int = 1,
    dilation: int = 1,
    bias: bool = False,
    name: str | None = None,
) -> Tensor:
    """2-D convolution, CxHxW to `channels`xH'xW'; pads by half the kernel unless told otherwise.

    Raises:
        GraphError: an even kernel that shifts the grid, a window that leaves nothing, or channel
            counts that `groups` does not divide.
    """
    kernels, pads, extents = _window(x, "conv", name, kernel, stride, padding, dilation)
    _whole(x, "conv", name, channels=channels, groups=groups)
    if channels < 1 or groups < 1 or x.channels % groups or channels % groups:
        _refuse(x, "conv", name, f"{groups} groups do not divide {x.channels} input and {channels} output channels")
    area = kernels[0] * kernels[1]
    weight = (channels, x.channels // groups, *kernels)
    params = {"weight": Parameter(weight, fan=(weight[1] * area, channels // groups * area))}
    if bias:
        params["bias"] = Parameter((channels,))
    macs = channels * extents[0] * extents[1] * weight[1] * area
    return _emit(
        "conv",
        x,
        output=(channels, *extents),
        name=name,
        params=params,
        macs=macs,
        kernel=list(kernels),
        stride=stride,
        padding=list(pads),
        groups=groups,
        dilation=dilation,
        bias=bias,
    )


@op
def norm(
    x: Tensor,
    kind: Literal["batch", "layer", "group"] = "batch",
    *,
    groups: int = 32,
    scale: bool = True,
    center: bool = True,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    name: str | None = None,
) -> Tensor:
    """Normalisation over each channel (`batch`), each position (`layer`) or each group of channels (`group`).

    `scale` and `center` say whether there is a learnt factor and a learnt offset a channel.
    `momentum` is the share of its old value that a running statistic keeps at each step (0.9 here
    is PyTorch's 0.1).
    """
    _map(x, "norm", name)
    if kind not in ("batch", "layer", "group"):
        _refuse(x, "norm", name, f"the kind is batch, layer or group, not '{kind}'")
    if kind == "group" and x.channels % groups:
        _refuse(x, "norm", name, f"{groups} groups do not divide {x.channels} channels")
    shape = (x.channels,)
    params = {}
    if scale:
        params["scale"] = Parameter(shape, 1.0)
    if center:
        params["bias"] = Parameter(shape, 0.0)
    if kind == "batch":
        params["running_mean"] = Parameter(shape, 0.0, trained=False)
        params["running_var"] = Parameter(shape, 1.0, trained=False)
    return _emit(
        "norm",
        x,
        output=x.shape,
        name=name,
        params=params,
        kind=kind,
        groups=groups if kind == "group" else 1,
        scale=scale,
        center=center,
        epsilon=epsilon,
        momentum=momentum,
    )


@op
def relu(x: Tensor, *, name: str | None = None) -> Tensor:
    """max(x, 0)."""
    return _emit("relu", x, output=x.shape, name=name)


@op
def relu6(x: Tensor, *, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6)."""
    return _emit("relu6", x, output=x.shape, name=name)


@op
def gelu(x: Tensor, *, name: str | None = None) -> Tensor:
    """x times the normal distribution function of x (the exact form, with erf)."""
    return _emit("gelu", x, output=x.shape, name=name)


@op
def silu(x: Tensor, *, name: str | None = None) -> Tensor:
    """x * sigmoid(x), also called swish."""
    return _emit("silu", x, output=x.shape, name=name)


@op
def hard_swish(x: Tensor, *, name: str | None = None) -> Tensor:
    """x * relu6(x + 3) / 6."""
    return _emit("hard_swish", x, output=x.shape, name=name)


@op
def sigmoid(x: Tensor, *, name: str | None = None) -> Tensor:
    """1 / (1 + exp(-x))."""
    return _emit("sigmoid", x, output=x.shape, name=name)


@op
def max_pool(
    x: Tensor, kernel: Size, stride: int = 1, *, padding: Size | None = None, name: str | None = None
) -> Tensor:
    """Maximum over a sliding window; what is padded never wins."""
    kernels, pads, extents = _window(x, "max_pool", name, kernel, stride, padding)
    _check_pool_padding(x, "max_pool", name, kernels, pads)
    return _emit(
        "max_pool", x, output=(x.channels, *extents), name=name, kernel=list(kernels), stride=stride, padding=list(pads)
    )


@op
def avg_pool(
    x: Tensor,
    kernel: Size,
    stride: int = 1,
    *,
    padding: Size | None = None,
    ceil: bool = False,
    count_padding: bool = False,
    name: str | None = None,
) -> Tensor:
    """Mean over a sliding window.

    `ceil` lets a last window hang over the edge; `count_padding` divides by the whole window
    there, else by what lies on the map.
    """
    kernels, pads, extents = _window(x, "avg_pool", name, kernel, stride, padding, ceil=ceil)
    _check_pool_padding(x, "avg_pool", name, kernels, pads)
    return _emit(
        "avg_pool",
        x,
        output=(x.channels, *extents),
        name=name,
        kernel=list(kernels),
        stride=stride,
        padding=list(pads),
        ceil=ceil,
        count_padding=count_padding,
    )


def _check_pool_padding(x: Tensor, kind: str, name: str | None, kernels: Shape, pads: Shape) -> None:
    try:
        check_pool_padding(kernels, pads)
    except GraphError as error:
        _refuse(x, kind, name, error.message)


@op
def global_avg_pool(x: Tensor, *, name: str | None = None) -> Tensor:
    """Mean over all positions, CxHxW to Cx1x1."""
    return _emit("global_avg_pool", x, output=(_map(x, "global_avg_pool", name)[0], 1, 1), name=name)


@op
def dense(x: Tensor, features: int, *, bias: bool = True, name: str | None = None) -> Tensor:
    """A fully connected layer over everything in `x`, flattened, to (features,)."""
    _whole(x, "dense", name, features=features)
    if features < 1:
        _refuse(x, "dense", name, f"{features} features")
    size = Parameter(x.shape).size
    params = {"weight": Parameter((features, size), fan=(size, features))}
    if bias:
        params["bias"] = Parameter((features,))
    return _emit("dense", x, output=(features,), name=name, params=params, macs=features * size, bias=bias)


@op
def add(x: Tensor, y: Tensor, *, name: str | None = None) -> Tensor:
    """Element by element sum of two tensors of one shape; also written x + y."""
    if x.shape != y.shape:
        _refuse(
            x, "add", name, f"cannot add {show(x.shape)} (from {x.node.name}) and {show(y.shape)} (from {y.node.name})"
        )
    return _emit("add", x, y, output=x.shape, name=name)


@op
def multiply(x: Tensor, gate: Tensor, *, name: str | None = None) -> Tensor:
    """Product, element by element, or with a gate of one number a channel, (C,) or Cx1x1; also x * gate."""
    if gate.shape not in (x.shape, x.shape[:1], (x.shape[0], 1, 1)):
        _refuse(
            x,
            "multiply",
            name,
            f"cannot multiply {show(x.shape)} (from {x.node.name}) by {show(gate.shape)} (from {gate.node.name})",
        )
    return _emit("multiply", x, gate, output=x.shape, name=name, broadcast=gate.shape != x.shape)


@op
def concat(*tensors: Tensor, name: str | None = None) -> Tensor:
    """Feature maps of one height and width, stacked along the channels."""
    if not tensors:
        raise TypeError("concat needs at least one tensor")
    x = tensors[0]
    for other in tensors[1:]:
        if other.shape[1:] != x.shape[1:]:
            _refuse(
                x,
                "concat",
                name,
                f"cannot stack {show(x.shape)} (from {x.node.name}) and {show(other.shape)} (from {other.node.name})",
            )
    return _emit("concat", *tensors, output=(sum(tensor.channels for tensor in tensors), *x.shape[1:]), name=name)


@op
def pad_channels(x: Tensor, channels: int, *, name: str | None = None) -> Tensor:
    """Zero channels, half before and half after (one more after if odd), until there are `channels`."""
    _map(x, "pad_channels", name)
    _whole(x, "pad_channels", name, channels=channels)
    extra = channels - x.channels
    if extra < 0:
        _refuse(x, "pad_channels", name, f"cannot pad {show(x.shape)} to {channels} channels, which are fewer")
    return _emit(
        "pad_channels", x, output=(channels, *x.shape[1:]), name=name, before=extra // 2, after=extra - extra // 2
    )


@op
def subsample(x: Tensor, stride: int, *, name: str | None = None) -> Tensor:
    """Every `stride`-th row and column, from the first: x[:, ::stride, ::stride]."""
    channels, height, width = _map(x, "subsample", name)
    _whole(x, "subsample", name, stride=stride)
    if stride < 1:
        _refuse(x, "subsample", name, f"stride {stride} must be at least 1")
    return _emit("subsample", x, output=(channels, -(-height // stride), -(-width // stride)), name=name, stride=stride)


@op
def dropout(x: Tensor, rate: float, *, name: str | None = None) -> Tensor:
    """In training, zero each element with probability `rate` and divide the others by 1 - rate."""
    return _emit("dropout", x, output=x.shape, name=name, rate=_rate(x, "dropout", name, rate))


@op
def drop_path(x: Tensor, rate: float, *, name: str | None = None) -> Tensor:
    """In training, zero a whole image's `x` with probability `rate`, else divide by 1 - rate.

    Stochastic depth (Huang et al. 2016), put on a residual branch before its sum.
    """
    return _emit("drop_path", x, output=x.shape, name=name, rate=_rate(x, "drop_path", name, rate))


def _rate(x: Tensor, kind: str, name: str | None, rate: float) -> float:
    if not 0 <= rate < 1:
        _refuse(x, kind, name, f"the rate is at least 0 and below 1, not {rate}")
    return float(rate)


@op
def layer_scale(x: Tensor, value: float = 1e-5, *, name: str | None = None) -> Tensor:
    """A learnt factor a channel that starts at `value` (Touvron et al. 2021, CaiT)."""
    return _emit("layer_scale", x, output=x.shape, name=name, params={"scale": Parameter(x.shape[:1], float(value))})
