"""The cost model: it finds known laws again from the networks of a calibration, and says how far it can be trusted."""

import math

import numpy as np
import pytest

from resnet_lab import graph as variant_graph
from resnet_lab.network.tensor import Builder
from resnet_lab.ops import dense, global_avg_pool, norm, tanh
from resnet_lab.training.calibration_networks import samples
from resnet_lab.training.cost_model import Timed, fit
from tests.training.prediction_trials import rank_correlation

VARIANTS = [
    *[("resnet18", 64), ("resnet34", 64), ("resnet50", 64), ("resnet50_v1d", 64), ("resnet50_v2", 64)],
    *[("resnext50_32x4d", 64), ("se_resnet50_v1", 64), ("cifar_resnet20", 32), ("cifar_resnet56", 32)],
    *[("preact_resnet110", 32), ("cifar_wideresnet16_10", 32), ("plain34", 64)],
]


def law(node, shapes, batch):
    """A machine that is slow at narrow convolutions, and otherwise limited by its memory."""
    moved = math.prod(node.output) + sum(math.prod(shapes[name]) for name in node.inputs)
    time = 5e-6 + 4 * batch * moved / 10e9 + node.trained / 1e9
    if node.op == "conv":
        out, inside = node.params["weight"].shape[:2]
        width = min(inside, out // node.attrs["groups"])
        time += batch * node.macs / (60e9 * width / (width + 32))
    return time


def layer_times(graph, batch):
    shapes = {node.name: node.output for node in graph.nodes}
    return {node.name: law(node, shapes, batch) for node in graph.nodes}


def timed(noise=0.0):
    random = np.random.default_rng(0)
    for sample in samples():
        seconds = sum(layer_times(sample.graph, sample.batch).values())
        yield Timed(sample.graph, sample.batch, seconds * math.exp(noise * random.standard_normal()))


@pytest.fixture(scope="module")
def model():
    return fit(list(timed()))


@pytest.fixture(scope="module")
def noisy():
    return fit(list(timed(noise=0.05)))


def errors(model):
    pairs = []
    for name, size in VARIANTS:
        graph = variant_graph(name, (3, size, size))
        pairs.append((sum(model.seconds(graph, 16).values()), sum(layer_times(graph, 16).values())))
    return [predicted / true - 1 for predicted, true in pairs], rank_correlation(*zip(*pairs, strict=True))


def test_a_known_law_is_found_again(model):
    found, rank = errors(model)
    assert np.median(np.abs(found)) < 0.05
    assert max(np.abs(found)) < 0.15
    assert rank > 0.95


def test_noise_of_the_measurements_does_not_grow(noisy):
    found, rank = errors(noisy)
    assert np.median(np.abs(found)) < 0.06
    assert rank > 0.95


def test_the_slowest_layers_are_found(model):
    graph = variant_graph("resnet50", (3, 64, 64))
    true, found = layer_times(graph, 16), model.seconds(graph, 16)
    slowest = sorted(true, key=true.__getitem__)[-10:]
    assert [found[name] for name in slowest] == pytest.approx([true[name] for name in slowest], rel=0.35)


def test_the_held_out_error_shows_noise(model, noisy):
    assert model.held_out_error < 0.05
    assert model.held_out_error < noisy.held_out_error < 0.2
    assert len(model.errors) == len(samples())


def test_an_op_that_was_not_measured_is_named_and_counted_as_a_relu(model):
    x = norm(Builder().input((3, 8, 8)))
    graph = x.builder.finish(dense(global_avg_pool(tanh(x)), 10))
    assert model.unknown_ops(graph) == ["tanh"]
    assert model.seconds(graph, 4)["tanh1"] > 0
    assert model.unknown_ops(variant_graph("se_resnext50_32x4d", (3, 64, 64))) == []


def test_no_time_is_negative(noisy):
    for name, size in VARIANTS:
        assert min(noisy.seconds(variant_graph(name, (3, size, size)), 1).values()) > 0
