"""Every op on every engine against NumPy, and the engines' completeness over the op registry."""

import math

import numpy as np
import pytest

from resnet_lab import engines, ops
from resnet_lab.network.tensor import OPS, Builder
from resnet_lab.ops.shapes import PART

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 6, 5, 7)).astype(np.float32)
ERF = np.vectorize(math.erf)


def windows(x, kernel, stride, pads, fill, ceil=False):
    """(batch, C, H', W', kernel, kernel), what lies off the map being `fill`."""
    hang = stride if ceil else 0
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[0] + hang), (pads[1], pads[1] + hang)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
    return view[:, :, ::stride, ::stride]


def convolved(x, weight, bias, stride, padding, dilation, groups):
    out = []
    reach = dilation * (weight.shape[2] - 1) + 1
    view = windows(x, reach, stride, padding, 0)[..., ::dilation, ::dilation]
    for group, kernels in enumerate(np.split(weight, groups)):
        channels = slice(group * weight.shape[1], (group + 1) * weight.shape[1])
        out.append(np.einsum("nchwij,ocij->nohw", view[:, channels], kernels))
    return np.concatenate(out, axis=1) + (0 if bias is None else bias.reshape(-1, 1, 1))


def normalised(x, axes, groups, w):
    parts = x.reshape(len(x), groups, -1, *x.shape[2:]) if groups else x
    mean, var = parts.mean(axis=axes, keepdims=True), parts.var(axis=axes, keepdims=True)
    return ((parts - mean) / np.sqrt(var + 1e-5)).reshape(x.shape) * _c(w["norm1.scale"]) + _c(w["norm1.bias"])


def batch_normalised(x, w):
    y = (x - _c(w["norm1.running_mean"])) / np.sqrt(_c(w["norm1.running_var"]) + 1e-5)
    return y * _c(w.get("norm1.scale", np.ones(6))) + _c(w.get("norm1.bias", np.zeros(6)))


def _c(values):
    return values.reshape(-1, 1, 1)


def leaky(x, slope):
    return np.where(x > 0, x, x * slope)


def softened(x, parts):
    powers = np.exp(x.reshape(len(x), parts, -1, *x.shape[2:]))
    return (powers / powers.sum(axis=1, keepdims=True)).reshape(x.shape)


def along_channels(x, weight):
    """A 1-D convolution over the channels of (batch, C, 1, 1) or (batch, C)."""
    reach = weight.size // 2
    row = np.pad(x.reshape(len(x), -1), ((0, 0), (reach, reach)))
    return (np.lib.stride_tricks.sliding_window_view(row, weight.size, axis=1) @ weight.reshape(-1)).reshape(x.shape)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


CASES = {
    "conv": (
        lambda x: ops.conv(x, 4, 3, 2, groups=2, bias=True),
        lambda x, w: convolved(x, w["conv1.weight"], w["conv1.bias"], 2, (1, 1), 1, 2),
    ),
    "conv dilated": (
        lambda x: ops.conv(x, 4, 3, dilation=2),
        lambda x, w: convolved(x, w["conv1.weight"], None, 1, (2, 2), 2, 1),
    ),
    "norm": (ops.norm, batch_normalised),
    "norm without scale": (lambda x: ops.norm(x, scale=False), batch_normalised),
    "norm without both": (lambda x: ops.norm(x, scale=False, center=False), batch_normalised),
    "norm layer": (lambda x: ops.norm(x, "layer"), lambda x, w: normalised(x, 1, 0, w)),
    "norm group": (lambda x: ops.norm(x, "group", groups=3), lambda x, w: normalised(x, (2, 3, 4), 3, w)),
    "relu": (ops.relu, lambda x, w: np.maximum(x, 0)),
    "relu6": (
        lambda x: ops.relu6(ops.layer_scale(x, 1.0)),
        lambda x, w: np.clip(x * _c(w["layer_scale1.scale"]), 0, 6),
    ),
    "gelu": (ops.gelu, lambda x, w: x * (1 + ERF(x / 2**0.5)) / 2),
    "silu": (ops.silu, lambda x, w: x * _sigmoid(x)),
    "hard_swish": (ops.hard_swish, lambda x, w: x * np.clip(x + 3, 0, 6) / 6),
    "sigmoid": (ops.sigmoid, lambda x, w: _sigmoid(x)),
    "max_pool": (lambda x: ops.max_pool(x, 3, 2), lambda x, w: windows(x, 3, 2, (1, 1), -np.inf).max(axis=(4, 5))),
    "avg_pool": (
        lambda x: ops.avg_pool(x, 3, 2),
        lambda x, w: np.nanmean(windows(x, 3, 2, (1, 1), np.nan), axis=(4, 5)),
    ),
    "avg_pool counting": (
        lambda x: ops.avg_pool(x, 3, 2, count_padding=True),
        lambda x, w: windows(x, 3, 2, (1, 1), 0).mean(axis=(4, 5)),
    ),
    "avg_pool ceil": (
        lambda x: ops.avg_pool(x, 2, 2, ceil=True),
        lambda x, w: np.nanmean(windows(x, 2, 2, (0, 0), np.nan, ceil=True)[:, :, :3, :4], axis=(4, 5)),
    ),
    "global_avg_pool": (ops.global_avg_pool, lambda x, w: x.mean(axis=(2, 3), keepdims=True)),
    "dense": (lambda x: ops.dense(x, 3), lambda x, w: x.reshape(len(x), -1) @ w["dense1.weight"].T + w["dense1.bias"]),
    "dense without bias": (
        lambda x: ops.dense(x, 3, bias=False),
        lambda x, w: x.reshape(len(x), -1) @ w["dense1.weight"].T,
    ),
    "add": (lambda x: x + ops.relu(x), lambda x, w: x + np.maximum(x, 0)),
    "multiply": (lambda x: x * ops.sigmoid(x), lambda x, w: x * _sigmoid(x)),
    "multiply by a gate": (lambda x: x * ops.global_avg_pool(x), lambda x, w: x * x.mean(axis=(2, 3), keepdims=True)),
    "multiply by a flat gate": (
        lambda x: x * ops.dense(x, 6),
        lambda x, w: x * (x.reshape(len(x), -1) @ w["dense1.weight"].T + w["dense1.bias"])[:, :, None, None],
    ),
    "multiply by a gate of positions": (
        lambda x: x * ops.channel_mean(x),
        lambda x, w: x * x.mean(axis=1, keepdims=True),
    ),
    "subtract": (lambda x: x - ops.relu(x), lambda x, w: np.minimum(x, 0)),
    "affine": (lambda x: 0.5 * x - 2, lambda x, w: x / 2 - 2),
    "affine with factor only": (lambda x: -(x / 4), lambda x, w: -x / 4),
    "affine with offset only": (lambda x: sum([x, x]) + 1, lambda x, w: 2 * x + 1),
    "affine the other way round": (lambda x: 1 - ops.sigmoid(x), lambda x, w: 1 - _sigmoid(x)),
    "softmax": (ops.softmax, lambda x, w: softened(x, 6)),
    "softmax over two parts": (lambda x: ops.softmax(x, 2), lambda x, w: softened(x, 2)),
    "softmax over parts of a vector": (
        lambda x: ops.softmax(ops.dense(x, 6, bias=False), 3),
        lambda x, w: softened(x.reshape(len(x), -1) @ w["dense1.weight"].T, 3),
    ),
    "tanh": (ops.tanh, lambda x, w: np.tanh(x)),
    "channel_mean": (ops.channel_mean, lambda x, w: x.mean(axis=1, keepdims=True)),
    "channel_max": (ops.channel_max, lambda x, w: x.max(axis=1, keepdims=True)),
    "channel_conv": (
        lambda x: ops.channel_conv(ops.global_avg_pool(x), 3),
        lambda x, w: along_channels(x.mean(axis=(2, 3), keepdims=True), w["channel_conv1.weight"]),
    ),
    "channel_conv wider than a vector": (
        lambda x: ops.channel_conv(ops.dense(x, 3, bias=False), 7),
        lambda x, w: along_channels(x.reshape(len(x), -1) @ w["dense1.weight"].T, w["channel_conv1.weight"]),
    ),
    "split": (
        lambda x: ops.concat(*reversed(ops.split(x, 3))),
        lambda x, w: np.concatenate([x[:, 4:], x[:, 2:4], x[:, :2]], axis=1),
    ),
    "split unequally, one part unused": (
        lambda x: ops.conv(ops.split(x, [1, 3, 2])[1], 2, 3),
        lambda x, w: convolved(x[:, 1:4], w["conv1.weight"], None, 1, (1, 1), 1, 1),
    ),
    "split of a vector": (
        lambda x: sum(ops.split(ops.dense(x, 6, bias=False), 2)),
        lambda x, w: (x.reshape(len(x), -1) @ w["dense1.weight"].T).reshape(len(x), 2, 3).sum(axis=1),
    ),
    "split by slices": (lambda x: x[:2] * x[2:4] - x[-2:], lambda x, w: x[:, :2] * x[:, 2:4] - x[:, 4:]),
    "concat": (lambda x: ops.concat(x, ops.relu(x), x), lambda x, w: np.concatenate([x, np.maximum(x, 0), x], axis=1)),
    "concat along the height": (
        lambda x: ops.concat(x, ops.subsample(x, 1), axis="height"),
        lambda x, w: np.concatenate([x, x], axis=2),
    ),
    "concat along the width": (
        lambda x: ops.concat(x, ops.relu(x), axis="width"),
        lambda x, w: np.concatenate([x, np.maximum(x, 0)], axis=3),
    ),
    "pad_channels": (lambda x: ops.pad_channels(x, 21), lambda x, w: np.pad(x, ((0, 0), (7, 8), (0, 0), (0, 0)))),
    "pad_channels by one": (lambda x: ops.pad_channels(x, 7), lambda x, w: np.pad(x, ((0, 0), (0, 1), (0, 0), (0, 0)))),
    "pad_channels by none": (lambda x: ops.pad_channels(x, 6), lambda x, w: x),
    "subsample": (lambda x: ops.subsample(x, 2), lambda x, w: x[:, :, ::2, ::2]),
    "dropout": (lambda x: ops.dropout(x, 0.5), lambda x, w: x),
    "drop_path": (lambda x: ops.drop_path(x, 0.5), lambda x, w: x),
    "prelu": (ops.prelu, lambda x, w: leaky(x, _c(w["prelu1.slope"]))),
    "prelu of a vector": (
        lambda x: ops.prelu(ops.dense(x, 5, bias=False)),
        lambda x, w: leaky(x.reshape(len(x), -1) @ w["dense1.weight"].T, w["prelu1.slope"]),
    ),
    "layer_scale": (ops.layer_scale, lambda x, w: x * _c(w["layer_scale1.scale"])),
}


def model_of(engine, function, shape=X.shape[1:]):
    builder = Builder()
    graph = builder.finish(function(builder.input(shape)))
    weights = {
        name: (
            RNG.standard_normal(parameter.shape) if "running_var" not in name else RNG.uniform(0.5, 2, parameter.shape)
        ).astype(np.float32)
        for name, parameter in graph.parameters.items()
    }
    model = engine.build(graph, "cpu")
    model.load(weights)
    return model, weights, graph


@pytest.mark.parametrize("case", CASES)
def test_an_op_does_what_its_name_says(engine, case):
    function, expected = CASES[case]
    model, weights, graph = model_of(engine, function)
    got = model.predict(X)
    wanted = expected(X.astype(np.float64), weights)
    assert got.shape == (2, *graph.output) == wanted.shape
    assert np.abs(got - wanted).max() <= 2e-5 * max(1.0, np.abs(wanted).max())


def test_every_op_has_a_case():
    assert {case.partition(" ")[0] for case in CASES} == set(OPS)


@pytest.mark.parametrize("name", engines.names())
def test_every_engine_lowers_every_op(name):
    """Needs no framework: the list of lowerings is there without it."""
    assert engines.get(name).ops == {*OPS, PART}


def test_weights_go_in_and_out_unchanged_and_misfits_are_told(engine):
    model, weights, _ = model_of(engine, lambda x: ops.norm(ops.conv(x, 4, 3)))
    back = model.weights()
    assert back.keys() == weights.keys()
    assert all(np.array_equal(back[name], weights[name]) for name in weights)
    wrong = dict(weights, extra=X) | {"norm1.scale": np.ones(5, np.float32)}
    del wrong["conv1.weight"]
    with pytest.raises(Exception, match="missing conv1.weight; left over extra; norm1.scale is 5, not 4"):
        model.load(wrong)
