"""Gradients of every op on every engine, against float64 and against finite differences."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from resnet_lab import data, ops
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import OPS
from tests.conftest import ROOT, engine_or_skip
from tests.engines.gradients import gradients, graph_of, random_inputs
from tests.engines.odd_shapes import FIXED, LIMIT
from tests.engines.test_lowering import CASES

RANDOM = {"dropout", "drop_path"}
"""Ops that draw in training: their gradients are tested through their outputs, below."""


@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_gradients_over_narrow_and_odd_shapes_are_those_of_float64(engine, threads):
    """Networks that an engine once computed wrongly, and every op between two convolutions."""
    words = [sys.executable, "-m", "tests.engines.check_gradients", engine.name, str(threads), "3"]
    # Two threads that spin while they wait would take the cores from each other and from other tests.
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=env)
    assert done.returncode == 0, (done.returncode, done.stdout[-200:], done.stderr[-2000:])
    errors = dict(json.loads(line) for line in done.stdout.splitlines())
    assert set(errors) == {*FIXED, *OPS}
    assert max(errors.values()) < LIMIT, errors


@pytest.mark.parametrize("case", [case for case in CASES if case.partition(" ")[0] not in RANDOM])
def test_gradients_of_every_op_are_those_of_float64_and_of_finite_differences(engine, case):
    graph = graph_of(CASES[case][0], (6, 5, 7))
    weights, x, head = random_inputs(graph, 2)
    single, double = (gradients(engine.name, graph, weights, x, head, dtype) for dtype in ("float32", "float64"))
    for name, exact in double.items():
        assert np.abs(single[name] - exact).max() <= 2e-4 * max(np.abs(exact).max(), 1e-3), name
    if case.startswith("norm") and "layer" not in case and "group" not in case:
        return  # NumPy's formula in CASES is that of inference; training's is tested by test_agreement.py
    step, function = 1e-6, CASES[case][1]
    rng = np.random.default_rng(1)
    for name, exact in double.items():
        direction = rng.standard_normal(exact.shape)
        sums = []
        for sign in (-1, 1):
            moved = {key: array.astype(np.float64) for key, array in weights.items()}
            images = x.astype(np.float64)
            if name == "x":
                images = images + sign * step * direction
            else:
                moved[name] = moved[name] + sign * step * direction
            sums.append(float((head * function(images, moved)).sum()))
        slope = (sums[1] - sums[0]) / (2 * step)
        assert slope == pytest.approx(float((exact * direction).sum()), rel=1e-5, abs=1e-5), name


@pytest.mark.parametrize("case", ["dropout", "drop_path"])
def test_gradients_of_ops_that_draw_are_their_masks(engine, case):
    """The gradient of the sum of the outputs is the factor that each element was multiplied by: 0 or 2 at rate 0.5."""
    graph = graph_of(CASES[case][0], (6, 5, 7))
    x = np.ones((64, 6, 5, 7), np.float32)
    found = gradients(engine.name, graph, {}, x, x, "float32")["x"]
    assert set(np.unique(found)) == {0.0, 2.0}
    if case == "drop_path":
        assert (found == found[:, :1, :1, :1]).all()


def test_the_first_of_several_equal_channels_gets_the_gradient_of_their_maximum(engine):
    """After a ReLU, many positions are 0 in all channels; the gradient must not be counted once for each of them."""
    graph = graph_of(ops.channel_max, (6, 5, 7))
    x, head = np.zeros((2, 6, 5, 7), np.float32), np.ones((2, 1, 5, 7), np.float32)
    found = gradients(engine.name, graph, {}, x, head, "float32")["x"]
    assert (found[:, 0] == 1).all()
    assert (found[:, 1:] == 0).all()


def depthwise(activation):
    """A net of depthwise and pointwise convolutions, with projections where the shape changes."""

    def network(x):
        x = activation(ops.norm(ops.conv(x, 16, 3)))
        for channels, stride in [(16, 1), (32, 2), (64, 2)]:
            y = activation(ops.norm(ops.conv(x, x.channels, 3, stride, groups=x.channels)))
            y = ops.norm(ops.conv(y, channels, 1))
            x = activation(y + (x if stride == 1 else ops.norm(ops.conv(x, channels, 1, stride))))
        return ops.dense(ops.global_avg_pool(x), 10)

    return graph_of(network, (3, 16, 16))


def digits_batch():
    dataset = data.load("digits", size=16, channels=3)
    return next(iter(data.Feed(dataset.train, 64, 0, dataset.mean, dataset.std).epoch(0)))[0]


def relative(found, exact):
    """The distance of all gradients together, relative to their length."""
    return np.sqrt(sum(((found[name] - exact[name]) ** 2).sum() for name in exact if name != "x")) / np.sqrt(
        sum((exact[name] ** 2).sum() for name in exact if name != "x")
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_smooth_depthwise_net_has_the_gradients_of_float64(engine, seed):
    """With ReLU, rounding moves values of batch norm near 0 across the kink, and gradients jump on both engines."""
    graph = depthwise(ops.silu)
    head = np.random.default_rng(seed).standard_normal((64, 10)).astype(np.float32)
    inputs = initial(graph, seed), digits_batch(), head
    single, double = (gradients(engine.name, graph, *inputs, dtype) for dtype in ("float32", "float64"))
    assert relative(single, double) < 1e-4


def test_a_depthwise_net_with_relu_has_the_same_gradients_on_both_engines_in_float64():
    for name in ("mxnet", "torch"):
        engine_or_skip(name)
    graph = depthwise(ops.relu)
    head = np.random.default_rng(0).standard_normal((64, 10)).astype(np.float32)
    one, other = (
        gradients(name, graph, initial(graph, 0), digits_batch(), head, "float64") for name in ("mxnet", "torch")
    )
    assert relative(one, other) < 1e-9
