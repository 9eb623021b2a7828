"""float16 with the torch engine: scaled gradients, steps that are left out, and a state that goes on exactly.

PyTorch has float16 on the CPU, where it is slow; so the networks are tiny.
"""

import numpy as np
import pytest

from resnet_lab import engines
from resnet_lab.engines.contract import FIRST_LOSS_SCALE, Diverged
from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.training.epoch import train_epoch
from tests.conftest import engine_or_skip
from tests.engines.test_update import BATCHES, RATES, RULES, ignore, residual

SETTINGS = {"clip_norm": 0.5, "ema": 0.4}


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


@pytest.fixture
def pair(torch):
    """A function that gives an update in float32 and one in float16, each with an equal weight of its own."""
    from resnet_lab.engines.torch.float16 import ScaledUpdate
    from resnet_lab.engines.torch.update import Update

    def make(rule, **settings):
        start = torch.linspace(-1, 1, 12).reshape(4, 3)
        plain, scaled = (torch.nn.Parameter(start.clone()) for _ in range(2))
        return (
            (Update(rule, {"w.weight": plain}, **settings), plain),
            (ScaledUpdate(rule, {"w.weight": scaled}, **settings, device=torch.device("cpu")), scaled),
        )

    return make


def step(update, weight, gradient, rate):
    """One update with a gradient; in float16, with that of the scaled loss."""
    loss = (weight * gradient).sum()
    scaled = getattr(update, "scaled", lambda loss: loss)(loss)
    weight.grad = None
    scaled.backward()
    update(rate)


def contents(update):
    """The state of an update without the scale, and the average of the weights."""
    return {name: array for name, array in update.state().items() if name != "loss_scale"}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("settings", [{}, SETTINGS], ids=["plain", "clipped and averaged"])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_step_that_overflows_leaves_no_trace_but_a_smaller_scale(torch, pair, rule, settings):
    """The scale is a power of two, so that the other steps are those of float32 bit for bit."""
    (plain, one), (scaled, other) = pair(rule, **settings)
    torch.manual_seed(0)
    for number, rate in enumerate(RATES):
        gradient = torch.randn(4, 3)
        if number in (0, 3):
            for value in (float("inf"), float("nan")):
                before, kept = contents(scaled), other.detach().clone()
                step(scaled, other, torch.full((4, 3), value), 7 * rate)
                assert same(contents(scaled), before)
                assert torch.equal(other, kept)
        step(plain, one, gradient, rate)
        step(scaled, other, gradient, rate)
        assert torch.equal(one, other)
        assert same(contents(plain), contents(scaled))
    assert scaled.state()["loss_scale"].tolist() == [FIRST_LOSS_SCALE / 16, 3]


def test_the_scale_grows_after_enough_finite_steps(torch, pair, monkeypatch):
    monkeypatch.setattr("resnet_lab.engines.torch.float16.GROWTH_INTERVAL", 3)
    _, (scaled, weight) = pair(Sgd())
    scales = []
    for value in (1, 1, 1, 1, float("inf"), 1, 1, 1):
        step(scaled, weight, torch.full((4, 3), value), 0.1)
        scales.append(scaled.state()["loss_scale"][0] / FIRST_LOSS_SCALE)
    assert scales == [1, 1, 2, 2, 1, 1, 1, 2]


def test_gradients_that_are_never_finite_end_the_training(torch, pair):
    _, (scaled, weight) = pair(Sgd())
    for _ in range(24):
        step(scaled, weight, torch.full((4, 3), float("nan")), 0.1)
    with pytest.raises(Diverged, match="the gradients are not finite numbers, although the loss was multiplied by"):
        step(scaled, weight, torch.full((4, 3), float("nan")), 0.1)
    assert torch.isfinite(weight).all()


def trained(precision, ema=None, breaks=False, seed=0):
    """The losses and the weights after six steps; with `breaks`, another model takes over after three of them."""
    graph, losses = residual(), []
    engine = engines.get("torch")
    model = engine.build(graph, "cpu", precision)
    model.load(initial(graph, seed))
    model.prepare(Sgd(momentum=0.9), ema=ema)
    for first in (0, 3):
        if breaks and first:
            kept, state = model.weights(), model.optimizer_state()
            model = engine.build(graph, "cpu", precision)
            model.prepare(Sgd(momentum=0.9), ema=ema)
            model.load(kept)
            model.load_optimizer_state(state)
        part = slice(first, first + 3)
        train_epoch(
            model, BATCHES[part], [rate / 10 for rate in RATES[part]], first, lambda _, loss: losses.append(loss)
        )
    return losses, model


def test_training_follows_float32(torch):
    (exact, _), (losses, model) = trained("float32"), trained("float16")
    assert losses != exact
    assert losses == pytest.approx(exact, rel=5e-3)
    assert {array.dtype.name for array in model.weights().values()} == {"float32"}
    assert model.predict(BATCHES[0][0]).dtype == np.float32


def test_a_state_with_a_grown_and_a_lowered_scale_goes_on_exactly(torch, monkeypatch):
    """The first scale overflows the gradients; a growth after each two finite steps makes them overflow again."""
    monkeypatch.setattr("resnet_lab.engines.torch.float16.FIRST_LOSS_SCALE", 2.0**19)
    monkeypatch.setattr("resnet_lab.engines.torch.float16.GROWTH_INTERVAL", 2)
    (losses, through), (again, broken) = trained("float16", 0.5), trained("float16", 0.5, breaks=True)
    assert losses == again
    assert same(through.weights(), broken.weights())
    assert same(through.optimizer_state(), broken.optimizer_state())
    [steps], (scale, _) = through.optimizer_state()["steps"], through.optimizer_state()["loss_scale"]
    assert 0 < steps < 6
    assert scale > 2.0**19 / 2 ** (6 - steps)  # it has also grown


@pytest.mark.parametrize(("scale", "moves"), [(FIRST_LOSS_SCALE, True), (1.0, False)])
def test_small_gradients_do_not_vanish(torch, monkeypatch, scale, moves):
    """float16 has no number between 0 and 6e-8; without a scale, the gradients of the first layer become 0."""
    monkeypatch.setattr("resnet_lab.engines.torch.float16.FIRST_LOSS_SCALE", scale)
    graph = residual()
    start = initial(graph, 0)
    start["dense1.weight"] *= 1e-7
    model = engines.get("torch").build(graph, "cpu", "float16")
    model.load(start)
    model.prepare(Sgd())
    train_epoch(model, BATCHES[:1], [1.0], 0, ignore)
    change = np.abs(model.weights()["conv2.weight"] - start["conv2.weight"]).max()
    assert bool(change > 0) is moves


def test_a_step_in_parts_takes_the_same_step(torch):
    graph = residual()
    weights = []
    for parts in (False, True):
        model = engines.get("torch").build(graph, "cpu", "float16")
        model.load(initial(graph, 0))
        model.prepare(Sgd())
        model.begin_epoch(0)
        [(images, labels)] = model.on_device(BATCHES[:1])
        (model.step_parts if parts else model.train_step)(images, labels, 0.1)
        weights.append(model.weights())
    assert same(*weights)
