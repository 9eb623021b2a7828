"""Networks of one op between two convolutions, over narrow and odd shapes, and the errors of their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet_lab import ops
from resnet_lab.network.graph import Graph
from resnet_lab.network.tensor import OPS, Tensor
from tests.engines.gradients import gradients, graph_of, random_inputs

LIMIT = 1e-4

STRIDED = [
    ((64, 3, 56, 56), {"channels": 6, "kernel": 1, "stride": 2}),
    ((32, 7, 56, 56), {"channels": 6, "kernel": 1, "stride": 2}),
    ((64, 9, 56, 56), {"channels": 6, "kernel": 1, "stride": 2}),
    ((16, 15, 56, 56), {"channels": 16, "kernel": 1, "stride": 2}),
    ((8, 64, 28, 28), {"channels": 64, "kernel": 1, "stride": 2}),
    ((48, 5, 33, 32), {"channels": 5, "kernel": 1, "stride": 3, "bias": True}),
    ((48, 6, 33, 32), {"channels": 4, "kernel": 1, "stride": 2, "groups": 2}),
    ((48, 3, 17, 31), {"channels": 7, "kernel": 3, "stride": 2}),
    ((32, 6, 28, 28), {"channels": 6, "kernel": 3, "stride": 2, "groups": 6}),
]
"""Shapes and arguments of single convolutions; PyTorch's kernel for strided 1x1 convolutions was wrong for some."""


def _joined(*widths: int) -> Callable[[Tensor], Tensor]:
    return lambda x: ops.conv(ops.concat(*(ops.conv(x, width, 3) for width in widths)), 16, 3)


FIXED: dict[str, tuple[tuple[int, ...], Callable[[Tensor], Tensor]]] = {
    f"conv {shape} {arguments}": (shape, lambda x, arguments=arguments: ops.conv(x, **arguments))
    for shape, arguments in STRIDED
} | {
    # MXNet's kernel that joins channels ended the process, or raised an error, in all but the last of these.
    "concat of 8 and 8": ((2, 16, 9, 9), _joined(8, 8)),
    "concat of 24 and 8": ((2, 16, 9, 9), _joined(24, 8)),
    "concat of 100 and 28": ((2, 16, 9, 9), _joined(100, 28)),
    "pad_channels from 16 to 32": (
        (2, 16, 9, 9),
        lambda x: ops.conv(ops.relu(ops.norm(ops.pad_channels(ops.conv(x, 16, 3), 32))), 16, 3),
    ),
    "concat of 32 and 16": ((2, 16, 9, 9), _joined(32, 16)),
}
"""Networks that an engine computed wrongly, or similar ones: batch and shape of the images, and the network."""

WIDTHS = st.one_of(st.integers(1, 9), st.sampled_from([12, 16, 24, 32, 40]))
"""Numbers of channels: narrow ones, and multiples and no multiples of the blocks that kernels work on."""

Draw = Callable[[Any], Any]


def _conv(draw: Draw, x: Tensor) -> Tensor:
    groups = draw(st.sampled_from([1, 1, x.channels]))
    kernel, stride, dilation = draw(st.sampled_from([1, 3, 5])), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    width = groups * draw(st.integers(1, 2)) if groups > 1 else draw(WIDTHS)
    return ops.conv(x, width, kernel, stride, groups=groups, dilation=dilation, bias=draw(st.booleans()))


def _norm(draw: Draw, x: Tensor) -> Tensor:
    groups = draw(st.sampled_from(divisors(x.channels)))
    kind, scale, center = draw(st.sampled_from(["batch", "layer", "group"])), draw(st.booleans()), draw(st.booleans())
    return ops.norm(x, kind, groups=groups, scale=scale, center=center)


def _multiply(draw: Draw, x: Tensor) -> Tensor:
    kind = draw(st.sampled_from(["same", "channels", "vector", "positions"]))
    if kind == "same":
        return x * ops.conv(x, x.channels, 1)
    return x * {
        "channels": ops.global_avg_pool,
        "positions": ops.channel_mean,
        "vector": lambda x: ops.dense(x, x.channels),
    }[kind](x)


def _concat(draw: Draw, x: Tensor) -> Tensor:
    axis = draw(st.sampled_from(["channels", "channels", "height", "width"]))
    widths = draw(st.lists(WIDTHS, min_size=1, max_size=2)) if axis == "channels" else [x.channels]
    return ops.concat(x, *(ops.conv(x, width, 1) for width in widths), axis=axis)


def _split(draw: Draw, x: Tensor) -> Tensor:
    first = draw(st.integers(1, x.channels))
    parts = ops.split(x, [size for size in (first, x.channels - first) if size])
    return parts[0] if draw(st.booleans()) else ops.concat(*reversed(parts))


def _pool(op: Callable[..., Tensor]) -> Callable[[Draw, Tensor], Tensor]:
    return lambda draw, x: op(x, draw(st.sampled_from([3, (1, 3), (3, 5)])), draw(st.integers(1, 3)))


APPLIED: dict[str, Callable[[Draw, Tensor], Tensor]] = {
    "conv": _conv,
    "norm": _norm,
    "multiply": _multiply,
    "concat": _concat,
    "split": _split,
    "max_pool": _pool(ops.max_pool),
    "avg_pool": _pool(ops.avg_pool),
    "add": lambda draw, x: x + ops.conv(x, x.channels, 3),
    "subtract": lambda draw, x: ops.tanh(x) - x,
    "affine": lambda draw, x: ops.affine(x, draw(st.sampled_from([-1, 1, 0.5])), draw(st.sampled_from([0, 1]))),
    "dense": lambda draw, x: ops.dense(x, draw(WIDTHS), bias=draw(st.booleans())),
    "softmax": lambda draw, x: ops.softmax(x, draw(st.sampled_from(divisors(x.channels)))),
    "channel_conv": lambda draw, x: ops.channel_conv(ops.global_avg_pool(x), draw(st.sampled_from([1, 3, 7]))),
    "pad_channels": lambda draw, x: ops.pad_channels(x, x.channels + draw(st.integers(0, 24))),
    "subsample": lambda draw, x: ops.subsample(x, draw(st.integers(1, 3))),
    "layer_scale": lambda draw, x: ops.layer_scale(x, 1.0),
    # The draws of training differ between two runs: test_gradients.py compares the gradients with the masks.
    "dropout": lambda draw, x: ops.dropout(x, 0),
    "drop_path": lambda draw, x: ops.drop_path(x, 0),
}
"""How an op is applied to a feature map with drawn arguments; an op that is not listed takes the map alone."""


def divisors(number: int) -> list[int]:
    """All divisors of a number, in their order."""
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


def drawn_graph(draw: Draw, op: str) -> Graph:
    """A network of an op between two convolutions, whose kernels lay out the memory in their own ways."""
    shape = (draw(WIDTHS), draw(st.integers(4, 15)), draw(st.integers(4, 15)))

    def network(x: Tensor) -> Tensor:
        y = ops.conv(x, draw(WIDTHS), draw(st.sampled_from([1, 3])))
        y = APPLIED[op](draw, y) if op in APPLIED else OPS[op](y)
        return ops.conv(y, draw(WIDTHS), draw(st.sampled_from([1, 3]))) if len(y.shape) == 3 else ops.dense(y, 3)

    return graph_of(network, shape)


def worst_error(engine: str, graph: Graph, batch: int) -> float:
    """The largest difference between gradients in float32 and in float64, relative to each array's largest gradient.

    An array whose gradients are all below a hundredth of the network's largest one is compared with that hundredth:
    the gradients of a weight before a norm, for example, cancel to almost nothing.
    """
    inputs = random_inputs(graph, batch)
    single, double = (gradients(engine, graph, *inputs, dtype) for dtype in ("float32", "float64"))
    least = max(1e-6, 1e-2 * max(np.abs(exact).max() for exact in double.values()))
    return max(
        float(np.abs(single[name] - exact).max() / max(np.abs(exact).max(), least)) for name, exact in double.items()
    )


def worst_errors(engine: str, examples: int) -> Iterator[tuple[str, float]]:
    """The largest error of each case: the networks of `FIXED`, then drawn networks of each op.

    Raises:
        AssertionError: The error of a drawn network is above `LIMIT`; hypothesis prints a small network of this kind.
    """
    for case, ((batch, *shape), network) in FIXED.items():
        yield case, worst_error(engine, graph_of(network, shape), batch)
    for op in OPS:
        yield op, _worst_drawn(engine, op, examples)


def _worst_drawn(engine: str, op: str, examples: int) -> float:
    errors: list[float] = []

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(st.data())
    def check(data: Any) -> None:
        graph, batch = drawn_graph(data.draw, op), data.draw(st.integers(2, 9))
        errors.append(worst_error(engine, graph, batch))
        assert errors[-1] < LIMIT, f"{op}: {errors[-1]} in {graph.nodes}"

    check()
    return max(errors)
