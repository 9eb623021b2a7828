"""Replicas in one network: each equals its own run, for every op and for whole trainings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError, data
from resnet_lab.data import Feed
from resnet_lab.network.graph import Graph
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import Builder
from resnet_lab.ops import drop_path, dropout
from resnet_lab.specs.optimizers import OPTIMIZERS, AdamW, Sgd
from resnet_lab.training.epoch import train_epoch
from tests.conftest import ROOT, engine_or_skip
from tests.engines.test_lowering import CASES, RNG, X

COUNT, STEPS = 4, 10
EXAMPLES = ROOT / "docs" / "examples" / "literature"
VARIANTS = ROOT / "variants"

NETWORKS = {
    "basic, padded shortcuts": "every_stage: {block: basic, shortcut: pad}",
    "basic, projections": "every_stage: {block: basic, shortcut: projection, conv_bias: true}",
    "pre-activation": "every_stage: {block: preact_basic}",
    "bottleneck, se": "every_stage: {block: bottleneck, se: 4}",
    "bottleneck, se by convolutions": "every_stage: {block: bottleneck, se: 4, se_layer: conv, shortcut: avgpool}",
    "resnext": "every_stage: {block: bottleneck, groups: 4, base_width: 16, stride_on: 3x3}",
    "group norm": f"blocks: [{VARIANTS}/normed_basic.py]\nevery_stage: {{block: normed_basic, kind: group}}",
    "layer norm": f"blocks: [{VARIANTS}/normed_basic.py]\nevery_stage: {{block: normed_basic, kind: layer}}",
    "eca": f"blocks: [{EXAMPLES}/eca.py]\nevery_stage: {{block: eca}}",
    "cbam": f"blocks: [{EXAMPLES}/cbam.py]\nevery_stage: {{block: cbam, reduction: 4, kernel: 3}}",
    "sk": f"blocks: [{EXAMPLES}/sk.py]\nevery_stage: {{block: sk, groups: 4, base_width: 16}}",
    "res2net": f"blocks: [{EXAMPLES}/res2net.py]\nevery_stage: {{block: res2net}}",
}
"""The blocks of small networks; together they hold every op that a training does not draw random numbers for."""


@pytest.fixture
def torch():
    engine_or_skip("torch")._import()
    import torch

    return torch


@pytest.fixture
def small(tmp_path):
    """A function that makes a network of two blocks."""

    def make(name):
        path = tmp_path / "small.yaml"
        path.write_text(
            "input: 3x8x8\nstem: {type: cifar, channels: 8}\nhead: {classes: 10}\n"
            "stages:\n  - {repeat: 1, channels: 8}\n  - {repeat: 1, channels: 16, stride: 2}\n" + NETWORKS[name]
        )
        return rl.graph(str(path))

    return make


def feeds(**augment):
    """A feed for each replica: the same images, with its own order, crops and flips."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8 * STEPS, 3, 8, 8)).astype(np.uint8)
    split = data.InMemory(images, rng.integers(0, 10, len(images)).astype(np.int32))
    spec = data.AugmentSpec(pad_crop=1, flip=True, **augment)
    return [Feed(split, 8, seed, (0.5,) * 3, (0.25,) * 3, spec, classes=10) for seed in range(COUNT)]


def trained(model, batches, rates, smoothing):
    """Train a model; returns the scores of each step, (steps, replicas, 3)."""
    model.begin_epoch(0)
    kind = model.block.stem.conv1.weight.dtype
    return np.array(
        [
            model.train_step(images.to(kind), shares(labels, kind), rate, smoothing).scores()
            for (images, labels), rate in zip(model.on_device(batches), rates, strict=True)
        ]
    )


def shares(labels, kind):
    """Shares of classes in the type of the weights; classes as they are."""
    return labels.to(kind) if labels.is_floating_point() else labels


def both(graph, optimizer, rate, smoothing=0.0, **augment):
    """Train each replica in a run of its own, and then all replicas as one network, with a rate that changes.

    Returns:
        The initial weights, the weights and averaged weights of the own runs, those of the replicas, and the scores,
        (steps, replicas, 3), of the own runs and of the replicas.
    """
    from resnet_lab.engines.torch.model import TorchModel
    from resnet_lab.engines.torch.replicas import ReplicasModel

    rates = rate * np.linspace(0.1, 1, STEPS)
    start = [initial(graph, seed) for seed in range(COUNT)]
    epochs = [feed.epoch(0) for feed in feeds(**augment)]
    own, averages, scores = [], [], []
    for weights, epoch in zip(start, epochs, strict=True):
        model = TorchModel(graph, "cpu")
        model.load(weights)
        model.prepare(optimizer, ema=0.9)
        scores.append(trained(model, epoch, rates, smoothing)[:, 0])
        own.append(model.weights())
        with model.averaged():
            averages.append(model.weights())
    model = ReplicasModel(graph, COUNT, "cpu")
    model.load_replicas(start)
    model.prepare(optimizer, ema=0.9)
    own_scores, scores = np.stack(scores, 1), trained(model, epochs, rates, smoothing)
    replicas = model.replica_weights()
    with model.averaged():
        return start, own + averages, replicas + model.replica_weights(), own_scores, scores


def largest_difference(one, other):
    """The largest difference of an element; where an array has elements above 1, relative to its largest."""
    assert len(one) == len(other)
    pairs = [(own[name], weights[name]) for own, weights in zip(one, other, strict=True) for name in own]
    return max(np.abs(before - after).max() / max(1.0, np.abs(before).max()) for before, after in pairs)


@pytest.mark.parametrize(
    "name", ["basic, padded shortcuts", "bottleneck, se", "pre-activation", "group norm", "resnext"]
)
def test_each_replica_equals_its_own_run_in_float32(torch, small, name):
    """Rounding alone can move a value across the kink of ReLU, which switches a gradient on or off.

    The rate is so low that one such event changes no weight by more than the bound, while the training moves the
    weights by more than 20 times the bound. The test in float64 takes the rate of a real training.
    """
    start, own, replicas, own_scores, scores = both(small(name), Sgd(momentum=0.9, weight_decay=1e-2), 2e-4)
    assert largest_difference(own, replicas) <= 1e-5
    assert np.abs(scores[:, :, 0] / own_scores[:, :, 0] - 1).max() <= 1e-5
    assert np.array_equal(scores[:, :, 1:], own_scores[:, :, 1:])
    for begin, end in zip(without_statistics(start), without_statistics(own[:COUNT]), strict=True):
        assert largest_difference([begin], [end]) > 20 * 1e-5


def test_float32_agrees_at_a_real_rate_where_no_activation_has_a_kink(torch, small):
    """With ReLU, this network differs by 7e-4 at this rate, where rounding moves a value across the kink."""
    nodes = [replace(node, op="silu" if node.op == "relu" else node.op) for node in small("resnext").nodes]
    start, own, replicas, _, _ = both(Graph(tuple(nodes)), Sgd(momentum=0.9, weight_decay=1e-2), 0.02)
    assert largest_difference(own, replicas) <= 1e-5
    assert largest_difference(without_statistics(start), without_statistics(own[:COUNT])) > 1000 * 1e-5


def without_statistics(weights):
    """The trained arrays of each replica."""
    return [{name: array for name, array in own.items() if "running_" not in name} for own in weights]


@pytest.fixture
def float64(torch, monkeypatch):
    """Models compute in float64, in which rounding is 1e-16, so that a rate as in real trainings hides nothing."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_replica_equals_its_own_run_in_float64(float64, small, name):
    start, own, replicas, own_scores, scores = both(small(name), Sgd(momentum=0.9, nesterov=True), 0.1)
    assert largest_difference(own, replicas) <= 1e-12
    assert np.abs(scores - own_scores).max() <= 1e-12
    assert largest_difference(without_statistics(start), without_statistics(own[:COUNT])) > 0.1


def test_adamw_label_smoothing_and_mixed_images(float64, small):
    graph, optimizer = small("pre-activation"), AdamW(weight_decay=0.1, decay="weights")
    _, own, replicas, own_scores, scores = both(graph, optimizer, 0.01, smoothing=0.1, mixup=0.2)
    assert largest_difference(own, replicas) <= 1e-12
    assert np.abs(scores - own_scores).max() <= 1e-12


@pytest.mark.parametrize("case", CASES)
def test_each_op_sees_one_replica_alone(float64, case):
    from resnet_lab.engines.torch.model import TorchModel
    from resnet_lab.engines.torch.replicas import ReplicasModel

    builder = Builder()
    graph = builder.finish(CASES[case][0](builder.input(X.shape[1:])))
    rng = np.random.default_rng(0)
    weights = [
        {name: rng.uniform(0.5, 2, parameter.shape) for name, parameter in graph.parameters.items()} for _ in range(3)
    ]
    images = rng.standard_normal((3, *X.shape))
    model = ReplicasModel(graph, 3, "cpu")
    model.load_replicas(weights)
    got = model.predict(np.concatenate(images, axis=1)).reshape(len(X), 3, *graph.output)
    own = TorchModel(graph, "cpu")
    for number in range(3):
        own.load(weights[number])
        wanted = own.predict(images[number])
        assert np.abs(got[:, number] - wanted).max() <= 1e-12 * max(1.0, np.abs(wanted).max())


@pytest.mark.parametrize("op", [dropout, drop_path])
def test_what_is_dropped_is_drawn_for_each_replica(torch, op):
    from resnet_lab.engines.torch.replicas import ReplicasModel

    builder = Builder()
    model = ReplicasModel(builder.finish(op(builder.input((2, 4, 4)), 0.25)), 3, "cpu")
    model.begin_epoch(0)
    kept = model.block(torch.ones(2000, 6, 4, 4)).numpy().reshape(2000, 3, 2, 4, 4) > 0
    assert kept.mean((0, 2, 3, 4)) == pytest.approx(0.75, abs=0.03)
    first = kept[:, :, 0, 0, 0]
    assert [np.mean(first[:, one] == first[:, other]) for one, other in ((0, 1), (0, 2), (1, 2))] == pytest.approx(
        [0.75**2 + 0.25**2] * 3, abs=0.04
    )
    if op is drop_path:
        assert (kept == kept[:, :, :1, :1, :1]).all()


def test_a_stacked_network_is_a_model_of_the_contract(torch, small):
    from resnet_lab.engines.torch.replicas import ReplicasModel

    graph = small("basic, padded shortcuts")
    model = ReplicasModel(graph, COUNT, "cpu")
    model.load_replicas([initial(graph, seed) for seed in range(COUNT)])
    model.prepare(Sgd())
    losses = []
    epochs = [feed.epoch(0) for feed in feeds()]
    score = train_epoch(model, epochs, [1e-3] * STEPS, 0, lambda images, loss: losses.append((images, loss)))
    assert score.count == COUNT * 8 * STEPS
    assert [images for images, _ in losses] == [COUNT * 8] * STEPS
    assert score.loss == pytest.approx(np.mean([loss for _, loss in losses]))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_changes_each_element_by_itself_or_is_refused(torch, small, name):
    from resnet_lab.engines.torch.replicas import ELEMENTWISE, ReplicasModel

    rule = OPTIMIZERS[name](weight_decay=0.1)
    model = ReplicasModel(small("basic, padded shortcuts"), 2, "cpu")
    if name not in ELEMENTWISE:
        with pytest.raises(LabError, match=f"the optimizer '{name}' cannot train several replicas"):
            model.prepare(rule)
        return
    weight, gradient = RNG.standard_normal((2, 5)), RNG.standard_normal((2, 5))
    state = {slot: RNG.uniform(0, 1, (2, 5)) for slot in rule.slots}
    whole, _ = rule.update(weight, gradient, state, 0.1, 3, 0.1)
    for row in range(2):
        own = {slot: array[row] for slot, array in state.items()}
        assert np.array_equal(rule.update(weight[row], gradient[row], own, 0.1, 3, 0.1)[0], whole[row])


def test_a_limit_on_the_norm_of_all_gradients_is_refused(torch, small):
    from resnet_lab.engines.torch.replicas import ReplicasModel

    model = ReplicasModel(small("basic, padded shortcuts"), 2, "cpu")
    with pytest.raises(LabError, match="clip_norm limits the norm of a whole network"):
        model.prepare(Sgd(), clip_norm=1.0)


def test_a_precision_with_a_scaled_loss_is_refused(torch, small):
    from resnet_lab.engines.torch.replicas import ReplicasModel

    with pytest.raises(LabError, match="float16 scales the loss of a whole network"):
        ReplicasModel(small("basic, padded shortcuts"), 2, "cpu", "float16")
