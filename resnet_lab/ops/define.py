"""What the definition of an op is made of: the registry, the checks, and the node that the op appends.

Every op is one function that takes tensors (channels first, no batch) and returns one; `split` returns several. The
function states the op's shape rule, parameters, multiply-adds and initial values. To add an op, write a function under
`@op` that ends in `emit`, and name it in `ops/__init__.py`; below it, `replicates` (network/replicas.py) says how the
op is applied to several replicas of a network. Each engine and the ONNX export then need a lowering. Tests demand both.
Multiply-adds are counted in convolutions (`conv`, `channel_conv`) and dense layers only, as the papers do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from numbers import Real
from typing import Any, NoReturn, TypeVar

from ..network.graph import GraphError, Parameter, Shape, show
from ..network.tensor import OPS, Tensor
from ..network.window import Size, slide

Op = TypeVar("Op", bound=Callable[..., Any])


def op(function: Op) -> Op:
    """Register a function as the op of its own name."""
    OPS[function.__name__] = function
    return function


def scope(x: Tensor, name: str) -> AbstractContextManager[None]:
    """Begin the names of layers made inside `with scope(x, "se"):` with `se.`."""
    return x.builder.scope(name)


def emit(
    kind: str,
    /,
    *inputs: Tensor,
    output: Shape,
    name: str | None,
    params: dict[str, Parameter] | None = None,
    macs: int = 0,
    **attrs: Any,
) -> Tensor:
    """Append the op's node to the network.

    Args:
        kind: the op's name.
        inputs: the tensors that the op takes.
        output: the shape of the result, without the batch.
        name: the layer's name; counted up (`conv1`, `conv2`, ...) where None.
        params: the layer's parameters.
        macs: multiply-adds of one image.
        attrs: what a lowering has to know.

    Returns:
        The tensor that the op makes.
    """
    return inputs[0].builder.emit(kind, inputs, output=output, attrs=attrs, params=params, macs=macs, name=name)


def refuse(x: Tensor, kind: str, name: str | None, reason: str) -> NoReturn:
    """Raise a GraphError that begins with the name that the layer would have had."""
    raise GraphError(f"{x.builder.next_name(kind, name)}: {reason}")


def check_whole(x: Tensor, kind: str, name: str | None, **numbers: object) -> None:
    """Refuse numbers, or numbers in pairs, that are not whole, such as `channels / 4`; None is accepted."""
    for title, value in numbers.items():
        for part in value if isinstance(value, (tuple, list)) else (value,):
            if type(part) is not int and part is not None:
                refuse(x, kind, name, f"{title} is {value!r}, not a whole number (a division is written //)")


def check_number(x: Tensor, kind: str, name: str | None, **numbers: object) -> None:
    """Refuse what is not a finite number."""
    for title, value in numbers.items():
        if callable(value):
            refuse(x, kind, name, f"{title} is a function, not a finite number: call it, as in shortcut(x)")
        if not isinstance(value, Real) or not math.isfinite(value):
            refuse(x, kind, name, f"{title} is {value!r}, not a finite number")


def check_map(x: Tensor, kind: str, name: str | None) -> Shape:
    """Return the shape of `x`; refuse what is not a feature map CxHxW."""
    if len(x.shape) != 3:
        refuse(x, kind, name, f"needs a feature map CxHxW, got {show(x.shape)}")
    return x.shape


def window(
    x: Tensor,
    kind: str,
    name: str | None,
    kernel: Size,
    stride: int,
    padding: Size | None,
    dilation: int = 1,
    ceil: bool = False,
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return kernel, padding and output extent of a window that slides over `x`; see network/window.py for the rule."""
    check_map(x, kind, name)
    check_whole(x, kind, name, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    try:
        return slide(x.shape, kernel, stride, padding, dilation, ceil)
    except GraphError as error:
        refuse(x, kind, name, error.message)
