"""Predict how long each layer of a network takes, from measured times of other networks.

Only whole networks are measured (calibration.py). The time of a network is the sum of the times of its layers, and the
time of a layer is

    time(layer) = rough(layer) * exp(correction(layer))

- `rough` is a sum of a fixed time, and of times for each byte that is moved, each parameter and each multiply-add. What
  one of them takes depends on the op alone, and is found by least squares with the condition that no time is negative.
- `correction` is a smooth function of the layer's shape (channels, groups, positions, kernel, stride): an efficient
  kernel for 64 channels is efficient for 80. It is a Gaussian process: layers of one op whose shapes are close have
  close corrections, and far from all measured shapes the correction is 0.

All measured networks determine both, so that a layer is measured among others, as it runs in a network, and not alone.
Source of the formulas: Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, sections 2.2 and 5.4.2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..network.graph import Graph, Node, Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_STRENGTH = 0.6
"""The standard deviation of the correction where nothing is measured."""

_NOISE = 0.04
"""The relative error of a measured time that the fit allows for."""

_CONV_SCALES = (2.0, 2.0, 2.5, 3.0, 1.5, 1.0)
"""How far apart two convolutions are, in doublings, if their corrections are nearly independent: of the channels of a
group that come in and go out, the groups, the positions of the batch, the area of the kernel, the stride."""

_OTHER_SCALES = (3.0, 3.0)
"""The same for every other op: of the elements of the batch, and the channels."""

_LEAST = {"fixed": 1e-7, "bytes": 1e-13, "params": 1e-12, "macs": 1e-15}
"""Seconds that every op takes at least, so that a correction has something to correct."""

_LIKE_UNKNOWN = "relu"
"""The op whose times are used for an op that was not measured."""


@dataclass(frozen=True)
class Timed:
    """A network whose step was timed: the graph, the images in a batch, and the seconds of a step."""

    graph: Graph
    batch: int
    seconds: float


@dataclass(frozen=True)
class _Layer:
    """What the time of a layer depends on.

    Attributes:
        kind: the op; norms of different kinds are different ops.
        amounts: how much there is of what takes time: `fixed`, `bytes`, `params`, `macs` and, for the sum of the
            gradients of an output that several layers take, `fork`.
        place: the coordinates of the shape, in doublings.
    """

    kind: str
    amounts: Mapping[str, float]
    place: tuple[float, ...]

    @property
    def key(self) -> tuple[str, tuple[float, ...]]:
        """Layers with equal keys have the same correction."""
        return self.kind, self.place


def _elements(shape: Shape) -> int:
    return math.prod(shape)


def _convolution(node: Node) -> tuple[str, tuple[int, int, int]]:
    """The kind of multiply-adds of a convolution, and its channels in and out of a group and its groups."""
    groups, (out, inside, *kernel) = node.attrs["groups"], node.params["weight"].shape
    kind = "depthwise" if inside == 1 and groups > 1 else "grouped" if groups > 1 else "macs"
    if kind == "macs":
        kind = "pointwise" if max(kernel) == 1 else "spatial"
    return kind, (inside, out // groups, groups)


def _layer(node: Node, outputs: Mapping[str, Shape], uses: int, batch: int) -> _Layer:
    """What the time of a node depends on; `uses` is how many layers take its output."""
    largest = max([_elements(node.output), *(_elements(outputs[name]) for name in node.inputs)])
    moved = _elements(node.output) + sum(_elements(outputs[name]) for name in node.inputs)
    amounts = {"fixed": 1.0, "bytes": 4.0 * batch * moved}
    if node.trained:
        amounts["params"] = float(node.trained)
    if uses > 1:
        amounts["fork"] = 4.0 * batch * _elements(node.output) * (uses - 1)
    kind = f"norm ({node.attrs['kind']})" if node.op == "norm" else node.op
    if node.op == "conv":
        macs, (inside, out, groups) = _convolution(node)
        amounts[macs] = float(batch * (node.macs or 0))
        area, stride = math.prod(node.params["weight"].shape[2:]), node.attrs["stride"]
        positions = batch * math.prod(node.output[1:])
        return _Layer(kind, amounts, _doublings(inside, out, groups, positions, area, stride))
    if node.macs:
        amounts["macs"] = float(batch * node.macs)
    return _Layer(kind, amounts, _doublings(batch * largest, node.output[0]))


def _doublings(*numbers: int) -> tuple[float, ...]:
    return tuple(math.log2(number) for number in numbers)


def _layers(graph: Graph, batch: int) -> list[_Layer]:
    outputs = {node.name: node.output for node in graph.nodes}
    uses = dict.fromkeys(outputs, 0)
    for node in graph.nodes:
        for name in node.inputs:
            uses[name] += 1
    return [_layer(node, outputs, uses[node.name], batch) for node in graph.nodes]


def _nearness(first: Sequence[tuple[str, tuple[float, ...]]], second: Sequence[tuple[str, tuple[float, ...]]]) -> Array:
    """The covariance of the corrections of layers, given by their keys: 0 between different ops."""
    found = np.zeros((len(first), len(second)))
    for kind in {kind for kind, _ in first}:
        rows = [index for index, (own, _) in enumerate(first) if own == kind]
        columns = [index for index, (own, _) in enumerate(second) if own == kind]
        if columns:
            scales = np.array(_CONV_SCALES if kind == "conv" else _OTHER_SCALES)
            a, b = (
                np.array([keys[index][1] for index in places]) / scales
                for keys, places in ((first, rows), (second, columns))
            )
            distance = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
            found[np.ix_(rows, columns)] = _STRENGTH**2 * np.exp(-distance / 2)
    return found


@dataclass(frozen=True)
class CostModel:
    """Predicts the seconds of a step, layer by layer.

    Attributes:
        rates: seconds for each unit of an amount, by the op and the name of the amount.
        keys: the measured layers.
        pulls: what each measured layer contributes to the correction of a layer of the same op and shape.
        errors: for each measured network, the logarithm of the measured time over the time that the other networks
            predict.
    """

    rates: Mapping[tuple[str, str], float]
    keys: Sequence[tuple[str, tuple[float, ...]]]
    pulls: Any
    errors: Any

    @property
    def held_out_error(self) -> float:
        """The median over the measured networks of the relative error with which the others predict it."""
        return float(np.median(np.abs(np.expm1(self.errors))))

    def unknown_ops(self, graph: Graph) -> list[str]:
        """The ops of a network that were not measured; they are predicted as ReLUs of the same size."""
        known = {kind for kind, _ in self.rates}
        return sorted({layer.kind for layer in _layers(graph, 1)} - known)

    def seconds(self, graph: Graph, batch: int) -> dict[str, float]:
        """The seconds of each node in a step; those of the input are the fixed time of a step, and the loss."""
        layers = _layers(graph, batch)
        keys = sorted({layer.key for layer in layers})
        factors = dict(zip(keys, np.exp(_nearness(keys, self.keys) @ self.pulls).tolist(), strict=True))
        return {
            node.name: _rough(layer, self.rates) * factors[layer.key]
            for node, layer in zip(graph.nodes, layers, strict=True)
        }


def _rough(layer: _Layer, rates: Mapping[tuple[str, str], float]) -> float:
    kind = layer.kind if (layer.kind, "fixed") in rates else _LIKE_UNKNOWN
    return sum(amount * rates.get((kind, name), _least(name)) for name, amount in layer.amounts.items())


def _least(name: str) -> float:
    return _LEAST.get(name, _LEAST["bytes" if name == "fork" else "macs"])


def fit(timed: Sequence[Timed]) -> CostModel:
    """Fit the model to measured networks."""
    networks = [_layers(item.graph, item.batch) for item in timed]
    seconds = np.array([item.seconds for item in timed])
    rates = _rates(networks, seconds)
    keys = sorted({layer.key for layers in networks for layer in layers})
    column = {key: index for index, key in enumerate(keys)}
    rough = np.zeros((len(networks), len(keys)))
    for row, layers in enumerate(networks):
        for layer in layers:
            rough[row, column[layer.key]] += _rough(layer, rates)
    pulls, errors = _corrections(rough, seconds, _nearness(keys, keys))
    return CostModel(rates, keys, pulls, errors)


def _rates(networks: Sequence[Sequence[_Layer]], seconds: Array) -> dict[tuple[str, str], float]:
    """The seconds for each unit of each amount, by least squares of the relative errors, none below `_LEAST`."""
    from scipy.optimize import nnls

    names = sorted({(layer.kind, name) for layers in networks for layer in layers for name in layer.amounts})
    column = {name: index for index, name in enumerate(names)}
    amounts = np.zeros((len(networks), len(names)))
    for row, layers in enumerate(networks):
        for layer in layers:
            for name, amount in layer.amounts.items():
                amounts[row, column[layer.kind, name]] += amount / seconds[row]
    least = np.array([_least(name) for _, name in names])
    size = np.linalg.norm(amounts, axis=0)
    found, _ = nnls(amounts / size, 1 - amounts @ least)
    return {name: float(rate) for name, rate in zip(names, found / size + least, strict=True)}


def _corrections(rough: Array, seconds: Array, nearness: Array) -> tuple[Array, Array]:
    """Find the most probable corrections (Gauss-Newton steps), and the error of each network when it is left out.

    Args:
        rough: (networks, layers): the rough seconds of each layer in each network.
        seconds: (networks,): the measured seconds.
        nearness: (layers, layers): the covariance of the corrections.
    """
    correction = np.zeros(len(nearness))
    for _ in range(30):
        times = rough * np.exp(correction)
        shares = times / times.sum(axis=1, keepdims=True)
        wanted = np.log(seconds / times.sum(axis=1)) + shares @ correction
        inverse = np.linalg.inv(shares @ nearness @ shares.T + _NOISE**2 * np.eye(len(seconds)))
        pulls = shares.T @ (inverse @ wanted)
        correction = nearness @ pulls
    return pulls, inverse @ wanted / np.diag(inverse)
