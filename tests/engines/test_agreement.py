"""The engine as a controlled variable: from one seed both engines see the same bits and go the same way."""

import itertools
import re

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import data
from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.specs.workspace import shipped
from resnet_lab.training.epoch import train_epoch
from resnet_lab.training.evaluate import evaluate
from tests.conftest import engine_or_skip, random_weights

VARIANTS = sorted(path.stem for path in shipped("variants").glob("*.yaml"))
LONG = {"cifar_resnet1202", "preact_resnet1001"} | {
    name
    for name in VARIANTS
    if re.search("34|101|152|64d|wideresnet(28|40)|v1[cs]$|1001|net164|plain56|ct_resnet56|110_stoch|20_[bcd]$", name)
    and name not in ("resnet101_v2", "preact_resnet164")
}
"""Nets that only `make test-all` compares: deep or wide ones, whose blocks and stems others of their family have."""


def both(graph, weights=None):
    """The graph on each engine, with the same weights; with initial ones if left out."""
    weights = weights or initial(graph, 0, last_scale="zero")
    models = [engine_or_skip(name).build(graph, "cpu") for name in ("mxnet", "torch")]
    for model in models:
        model.load(weights)
    return models


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in VARIANTS]
)
def test_every_variant_gives_the_same_logits(name):
    """Random weights and statistics, the smallest input that makes sense; relative error under 1e-4."""
    channels = rl.variant(name).spec.input[0]
    graph = rl.graph(name, input=(channels, 32, 32), classes=10)
    images = np.random.default_rng(0).standard_normal((3, channels, 32, 32)).astype(np.float32)
    logits = [model.predict(images) for model in both(graph, random_weights(graph))]
    assert np.isfinite(logits[0]).all()
    assert np.abs(logits[0] - logits[1]).max() < 1e-4 * np.abs(logits[0]).max()


RULES = {
    "plain": Sgd(weight_decay=1e-4),
    "nesterov": Sgd(momentum=0.9, nesterov=True, weight_decay=1e-4),
    "momentum": Sgd(momentum=0.9, weight_decay=1e-4, decay="weights"),
}


def noise(size: int, augmented: bool) -> data.Feed:
    """Images of noise: the flat grounds of real ones make batch norm amplify the last bit of a sum without bound."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (400, 3, size, size)).astype(np.uint8)
    split = data.InMemory(images, rng.integers(0, 10, 400).astype(np.int32))
    augment = data.AugmentSpec(pad_crop=4 * augmented, flip=augmented)
    return data.Feed(split, 32, 0, (0.5,) * 3, (0.29,) * 3, augment)


NETS = [("cifar_resnet20", 32), ("cifar_resnet20_v2", 32), ("resnet18", 64), ("resnet18_v2", 64)]
QUICK = {
    *(("cifar_resnet20", False, "plain"), ("cifar_resnet20", True, "nesterov"), ("cifar_resnet20", False, "momentum")),
    ("cifar_resnet20_v2", True, "plain"),
}
STEPS = [
    pytest.param(name, size, *how, marks=[] if (name, *how) in QUICK else pytest.mark.slow)
    for (name, size), *how in itertools.product(NETS, [False, True], RULES)
]
"""Every network with every rule, with augmentation and without; `QUICK` has each rule at least once."""


@pytest.mark.parametrize(("name", "size", "augmented", "rule"), STEPS)
def test_ten_steps_give_the_same_losses(name, size, augmented, rule):
    graph = rl.graph(name, input=(3, size, size), classes=10)
    feed = noise(size, augmented)
    rates = [0.003 * (1 - step / 20) for step in range(10)]
    losses = []
    for model in both(graph):
        model.prepare(RULES[rule])
        told = []
        batches = [batch for batch, _ in zip(feed.epoch(0), rates, strict=False)]
        train_epoch(model, batches, rates, 0, lambda images, loss, told=told: told.append(loss))
        losses.append(told)
    first, second = np.array(losses)
    difference = np.abs(first - second) / np.abs(first)
    assert difference[0] < 1e-4
    assert difference.max() < 1e-3


def test_ten_steps_on_mixed_pictures_give_the_same_losses():
    """Everything at once: crops, flips, colours, erasing, mixup or cutmix, and label smoothing."""
    graph = rl.graph("cifar_resnet20", input=(3, 32, 32), classes=10)
    augment = data.AugmentSpec(
        pad_crop=4, flip=True, rand_augment=(1, 9), color_jitter=0.4, random_erasing=0.25, mixup=0.2, cutmix=1.0
    )
    plain = noise(32, True)
    feed = data.Feed(*(plain.split, 32, 0, plain.mean, plain.std, augment), classes=10)
    losses = []
    for model in both(graph):
        model.prepare(RULES["nesterov"])
        told = []
        batches = [batch for batch, _ in zip(feed.epoch(0), range(10), strict=False)]
        assert batches[0][1].shape == (32, 10)
        train_epoch(model, batches, [0.003] * 10, 0, lambda images, loss, told=told: told.append(loss), 0.1)
        losses.append(told)
    first, second = np.array(losses)
    assert (np.abs(first - second) / np.abs(first)).max() < 1e-3


@pytest.mark.parametrize(
    "name",
    ["cifar_resnet20", "resnet18", "resnet18_v2", pytest.param("resnet50", marks=pytest.mark.slow), "my_se_resnet18"],
)
def test_gradients_agree_in_float64(name):
    """Where rounding cannot hide a difference: relative to each array's largest gradient, under 1e-9."""
    graph = rl.graph(name, input=(3, 64, 64), classes=10)
    mxnet_model, torch_model = both(graph, initial(graph, 0))
    import mxnet as mx
    import torch

    from resnet_lab.engines.torch.lowering import own_name

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 3, 64, 64)), rng.integers(0, 10, 4)
    ours, theirs = mxnet_model.block, torch_model.block
    ours.cast("float64")
    theirs.double()
    with mx.autograd.record():
        logs = mx.nd.log_softmax(ours(mx.nd.array(x, dtype="float64")))
        loss = -mx.nd.pick(logs, mx.nd.array(y, dtype="float64")).mean()
    loss.backward()
    torch.nn.functional.cross_entropy(theirs(torch.from_numpy(x)), torch.from_numpy(y)).backward()
    own = dict(theirs.named_parameters())
    for node in graph.nodes:
        for key, parameter in node.params.items():
            if parameter.trained:
                wanted = ours.params[f"{node.name}.{key}"].grad().asnumpy()
                got = own[own_name(node, key)].grad.numpy()
                assert np.abs(got - wanted).max() <= 1e-9 * np.abs(wanted).max(), f"{node.name}.{key}"


def test_what_one_engine_trains_the_other_evaluates_alike():
    """Running statistics included: they follow one convention (engines/torch/model.py).

    The rate is low enough that a net learns whichever way its sums round, with one thread or with two.
    """
    dataset = data.load("digits", size=16, channels=3)
    feed = data.Feed(dataset.train, 32, 0, dataset.mean, dataset.std)
    graph = rl.graph("cifar_resnet20", input=(3, 16, 16), classes=10)
    models = both(graph)
    for trained, other in (models, models[::-1]):
        trained.load(initial(graph, 0))
        trained.prepare(Sgd(momentum=0.9))
        train_epoch(trained, feed.epoch(0), [0.01] * feed.steps, 0, lambda images, loss: None)
        other.load(trained.weights())
        scores = [
            evaluate(model, data.EvaluationBatches(dataset.test, 100, dataset.mean, dataset.std))
            for model in (trained, other)
        ]
        assert scores[0].top1 == scores[1].top1
        assert scores[0].top1 > 0.5
        assert scores[0].loss == pytest.approx(scores[1].loss, rel=1e-4)


def test_running_statistics_after_one_step_are_the_same():
    dataset = data.load("digits", size=16, channels=3)
    feed = data.Feed(dataset.train, 8, 0, dataset.mean, dataset.std)
    graph = rl.graph("cifar_resnet20", input=(3, 16, 16), classes=10)
    after = []
    for model in both(graph):
        model.load(initial(graph, 0))
        model.prepare(Sgd())
        train_epoch(model, [next(iter(feed.epoch(0)))], [0.0], 0, lambda images, loss: None)
        after.append(model.weights())
    for name in after[0]:
        if "running" in name:
            assert np.allclose(after[0][name], after[1][name], rtol=1e-4, atol=1e-5), name
