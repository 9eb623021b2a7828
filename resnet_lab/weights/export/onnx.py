"""Turns a Graph into an ONNX model for inference with any batch size: one lowering for each op."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.errors import LabError
from ...base.files import atomic_write
from ...blocks.opaque import OP
from ...network.graph import Graph, Node
from ...ops.shapes import AXES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.float32]]

OPSET = 17
_IR_VERSION = 8
"""The version of the file format that belongs to this opset; newer readers also support it."""

INSTALL = "pip install 'resnet-lab[onnx]'"

Lowering = Callable[["Program", Node, Sequence[str]], str]
LOWERINGS: dict[str, Lowering] = {}


def lowers(*ops: str) -> Callable[[Lowering], Lowering]:
    """Register a function that adds the ONNX nodes of one of these ops, and returns the name of their output."""

    def register(function: Lowering) -> Lowering:
        for op in ops:
            LOWERINGS[op] = function
        return function

    return register


class Program:
    """An ONNX graph that is being built: its nodes, and the arrays that it holds."""

    def __init__(self, arrays: Arrays) -> None:
        import onnx

        self.onnx = onnx
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self._arrays = arrays

    def parameter(self, node: Node, key: str) -> str:
        """Add a parameter of a node and return its name; a norm without this parameter gets ones or zeros."""
        name = f"{node.name}.{key}"
        value = self._arrays.get(name)
        if value is None:
            value = np.full(node.output[0], 1.0 if key in ("scale", "running_var") else 0.0, np.float32)
        return self.constant(name, value)

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add an array to the model; returns its name."""
        self.initializers[name] = self.onnx.numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def add(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node with one output; returns the output's name."""
        self.nodes.append(self.onnx.helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def reshape(self, x: str, shape: Sequence[int], output: str) -> str:
        """Reshape `x`: an extent of 0 keeps that of `x`, and -1 stands for all remaining elements; returns the name."""
        return self.add("Reshape", [x, self.constant(f"{output}.shape", np.array(shape, np.int64))], output)


def lower(graph: Graph, arrays: Arrays, metadata: Mapping[str, str]) -> Any:
    """Make an onnx.ModelProto of a network: from `images`, float32 (batch, C, H, W), to `logits` (batch, classes).

    Raises:
        LabError: The package onnx is not installed, or the network contains a framework's own module.
    """
    for node in graph.nodes:
        if node.op == OP:
            raise LabError(f"{node.name} is a framework's own module, which cannot be exported to ONNX")
    if importlib.util.find_spec("onnx") is None:
        raise LabError(f"ONNX is written by the package onnx, which is not installed: {INSTALL}")
    program = Program(arrays)
    helper, floats = program.onnx.helper, program.onnx.TensorProto.FLOAT
    values = {graph.nodes[0].name: "images"}
    for node in graph.layers:
        values[node.name] = LOWERINGS[node.op](program, node, [values[name] for name in node.inputs])
    program.add("Identity", [values[graph.nodes[-1].name]], "logits")
    model = helper.make_model(
        helper.make_graph(
            program.nodes,
            "network",
            [helper.make_tensor_value_info("images", floats, ["batch", *graph.input])],
            [helper.make_tensor_value_info("logits", floats, ["batch", *graph.output])],
            list(program.initializers.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="resnet-lab",
    )
    helper.set_model_props(model, dict(metadata))
    program.onnx.checker.check_model(model, full_check=True)
    return model


def write(path: Path, model: Any) -> None:
    """Write a model, completely or not at all.

    Raises:
        LabError: The file cannot be written.
    """
    with atomic_write(path) as partial:
        partial.write_bytes(model.SerializeToString())


@lowers("conv")
def _conv(program: Program, node: Node, inputs: Sequence[str]) -> str:
    a = node.attrs
    parameters = [program.parameter(node, key) for key in node.params]
    return program.add(
        "Conv",
        [*inputs, *parameters],
        node.name,
        kernel_shape=a["kernel"],
        strides=[a["stride"]] * 2,
        pads=[*a["padding"], *a["padding"]],
        dilations=[a["dilation"]] * 2,
        group=a["groups"],
    )


@lowers("norm")
def _norm(program: Program, node: Node, inputs: Sequence[str]) -> str:
    a, (x,) = node.attrs, inputs
    scale, bias = program.parameter(node, "scale"), program.parameter(node, "bias")
    if a["kind"] == "batch":
        statistics = [program.parameter(node, "running_mean"), program.parameter(node, "running_var")]
        return program.add("BatchNormalization", [x, scale, bias, *statistics], node.name, epsilon=a["epsilon"])
    if a["kind"] == "layer":  # ONNX normalises over the last axes, so the channels are moved there and back
        last = program.add("Transpose", [x], f"{node.name}.last", perm=[0, 2, 3, 1])
        done = program.add("LayerNormalization", [last, scale, bias], f"{node.name}.normed", epsilon=a["epsilon"])
        return program.add("Transpose", [done], node.name, perm=[0, 3, 1, 2])
    # Opset 17 has no group norm (opset 21 has): each group becomes a channel, which instance norm normalises.
    groups = a["groups"]
    ones, zeros = (
        program.constant(f"{node.name}.{name}", np.full(groups, value, np.float32))
        for name, value in (("ones", 1), ("zeros", 0))
    )
    grouped = program.reshape(x, (0, groups, -1), f"{node.name}.grouped")
    normed = program.add("InstanceNormalization", [grouped, ones, zeros], f"{node.name}.normed", epsilon=a["epsilon"])
    apart = program.reshape(normed, (0, *node.output), f"{node.name}.apart")
    factor, offset = (program.reshape(name, (1, -1, 1, 1), f"{name}.wide") for name in (scale, bias))
    scaled = program.add("Mul", [apart, factor], f"{node.name}.scaled")
    return program.add("Add", [scaled, offset], node.name)


@lowers("relu", "sigmoid", "tanh", "hard_swish")
def _same(program: Program, node: Node, inputs: Sequence[str]) -> str:
    names = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "hard_swish": "HardSwish"}
    return program.add(names[node.op], inputs, node.name)


@lowers("relu6")
def _relu6(program: Program, node: Node, inputs: Sequence[str]) -> str:
    low, high = (program.constant(f"{node.name}.{v}", np.array(v, np.float32)) for v in (0, 6))
    return program.add("Clip", [*inputs, low, high], node.name)


@lowers("gelu")
def _gelu(program: Program, node: Node, inputs: Sequence[str]) -> str:
    root, one, half = (
        program.constant(f"{node.name}.{name}", np.array(value, np.float32))
        for name, value in (("root", math.sqrt(2)), ("one", 1), ("half", 0.5))
    )
    erf = program.add("Erf", [program.add("Div", [*inputs, root], f"{node.name}.scaled")], f"{node.name}.erf")
    halved = program.add("Mul", [*inputs, half], f"{node.name}.halved")
    return program.add("Mul", [halved, program.add("Add", [erf, one], f"{node.name}.share")], node.name)


@lowers("silu")
def _silu(program: Program, node: Node, inputs: Sequence[str]) -> str:
    return program.add("Mul", [*inputs, program.add("Sigmoid", inputs, f"{node.name}.gate")], node.name)


def _window(node: Node) -> dict[str, Any]:
    a = node.attrs
    return {"kernel_shape": a["kernel"], "strides": [a["stride"]] * 2, "pads": [*a["padding"], *a["padding"]]}


@lowers("max_pool")
def _max_pool(program: Program, node: Node, inputs: Sequence[str]) -> str:
    return program.add("MaxPool", inputs, node.name, **_window(node))


@lowers("avg_pool")
def _avg_pool(program: Program, node: Node, inputs: Sequence[str]) -> str:
    a = node.attrs
    return program.add(
        "AveragePool",
        inputs,
        node.name,
        ceil_mode=int(a["ceil"]),
        count_include_pad=int(a["count_padding"]),
        **_window(node),
    )


@lowers("global_avg_pool")
def _global_avg_pool(program: Program, node: Node, inputs: Sequence[str]) -> str:
    return program.add("GlobalAveragePool", inputs, node.name)


@lowers("dense")
def _dense(program: Program, node: Node, inputs: Sequence[str]) -> str:
    flat = program.add("Flatten", inputs, f"{node.name}.flat")
    parameters = [program.parameter(node, key) for key in node.params]
    return program.add("Gemm", [flat, *parameters], node.name, transB=1)


@lowers("add")
def _add(program: Program, node: Node, inputs: Sequence[str]) -> str:
    return program.add("Add", inputs, node.name)


@lowers("multiply")
def _multiply(program: Program, node: Node, inputs: Sequence[str]) -> str:
    x, gate = inputs
    if node.attrs["broadcast"] is True:
        gate = program.reshape(gate, (0, node.output[0], *(1,) * (len(node.output) - 1)), f"{node.name}.gate")
    return program.add("Mul", [x, gate], node.name)


@lowers("concat")
def _concat(program: Program, node: Node, inputs: Sequence[str]) -> str:
    return program.add("Concat", inputs, node.name, axis=1 + AXES.index(node.attrs.get("axis", "channels")))


@lowers("split")
def _split(program: Program, node: Node, inputs: Sequence[str]) -> str:
    sizes = program.constant(f"{node.name}.sizes", np.array(node.attrs["sizes"], np.int64))
    outputs = [f"{node.name}.part{index + 1}" for index in range(len(node.attrs["sizes"]))]
    program.nodes.append(program.onnx.helper.make_node("Split", [*inputs, sizes], outputs, name=node.name, axis=1))
    return node.name


@lowers("part")
def _part(program: Program, node: Node, inputs: Sequence[str]) -> str:
    return f"{inputs[0]}.part{node.attrs['index'] + 1}"


@lowers("subtract")
def _subtract(program: Program, node: Node, inputs: Sequence[str]) -> str:
    return program.add("Sub", inputs, node.name)


@lowers("affine")
def _affine(program: Program, node: Node, inputs: Sequence[str]) -> str:
    factor, offset = (
        program.constant(f"{node.name}.{key}", np.array(node.attrs[key], np.float32)) for key in ("factor", "offset")
    )
    return program.add("Add", [program.add("Mul", [*inputs, factor], f"{node.name}.scaled"), offset], node.name)


@lowers("softmax")
def _softmax(program: Program, node: Node, inputs: Sequence[str]) -> str:
    parts, (channels, *extents) = node.attrs["parts"], node.output
    apart = program.reshape(inputs[0], (0, parts, channels // parts, *extents), f"{node.name}.apart")
    shares = program.add("Softmax", [apart], f"{node.name}.shares", axis=1)
    return program.reshape(shares, (0, *node.output), node.name)


@lowers("channel_mean", "channel_max")
def _over_channels(program: Program, node: Node, inputs: Sequence[str]) -> str:
    return program.add({"channel_mean": "ReduceMean", "channel_max": "ReduceMax"}[node.op], inputs, node.name, axes=[1])


@lowers("channel_conv")
def _channel_conv(program: Program, node: Node, inputs: Sequence[str]) -> str:
    kernel = node.attrs["kernel"]
    row = program.reshape(inputs[0], (0, 1, -1), f"{node.name}.row")
    row = program.add(
        "Conv",
        [row, program.parameter(node, "weight")],
        f"{node.name}.sums",
        kernel_shape=[kernel],
        pads=[kernel // 2] * 2,
    )
    return program.reshape(row, (0, *node.output), node.name)


@lowers("pad_channels")
def _pad_channels(program: Program, node: Node, inputs: Sequence[str]) -> str:
    pads = np.array([0, node.attrs["before"], 0, 0, 0, node.attrs["after"], 0, 0], np.int64)
    return program.add("Pad", [*inputs, program.constant(f"{node.name}.pads", pads)], node.name)


@lowers("subsample")
def _subsample(program: Program, node: Node, inputs: Sequence[str]) -> str:
    stride = node.attrs["stride"]
    bounds = {"starts": [0, 0], "ends": [2**31 - 1] * 2, "axes": [2, 3], "steps": [stride] * 2}
    names = [program.constant(f"{node.name}.{key}", np.array(value, np.int64)) for key, value in bounds.items()]
    return program.add("Slice", [*inputs, *names], node.name)


@lowers("dropout", "drop_path")
def _nothing(program: Program, node: Node, inputs: Sequence[str]) -> str:
    return inputs[0]


@lowers("layer_scale")
def _layer_scale(program: Program, node: Node, inputs: Sequence[str]) -> str:
    around = (1,) * (len(node.output) - 1)
    factor = program.reshape(program.parameter(node, "scale"), (-1, *around), f"{node.name}.factor")
    return program.add("Mul", [*inputs, factor], node.name)


@lowers("prelu")
def _prelu(program: Program, node: Node, inputs: Sequence[str]) -> str:
    around = (1,) * (len(node.output) - 1)
    slope = program.reshape(program.parameter(node, "slope"), (-1, *around), f"{node.name}.slopes")
    return program.add("PRelu", [*inputs, slope], node.name)
