"""The training contract of every engine: the stated update rules, states in and out, divergence."""

import numpy as np
import pytest

from resnet_lab import ops
from resnet_lab.engines.contract import Diverged
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import Builder
from resnet_lab.specs.optimizers import OPTIMIZERS, Adam, AdamW, Sgd
from resnet_lab.training.epoch import train_epoch

RNG = np.random.default_rng(1)
BATCHES = [
    (RNG.standard_normal((8, 3, 4, 4)).astype(np.float32), RNG.integers(0, 5, 8).astype(np.int32)) for _ in range(6)
]
RATES = [0.5, 0.4, 0.1, 0.1, 0.02, 0.3]


def linear():
    builder = Builder()
    return builder.finish(ops.dense(ops.global_avg_pool(builder.input((3, 4, 4))), 5))


def residual():
    builder = Builder()
    x = ops.relu(ops.norm(ops.conv(builder.input((3, 4, 4)), 6, 3)))
    x = x + ops.dropout(ops.norm(ops.conv(x, 6, 3)), 0.1)
    return builder.finish(ops.dense(ops.global_avg_pool(x), 5))


def simulate(rule, start, smoothing=0.0, clip_norm=None, ema=None):
    """Training the linear net in float64 by the reference rules (specs/optimizers.py).

    Returns:
        the weights after the last step, the losses, and the moving average of the weights.
    """
    values = {name: array.astype(np.float64) for name, array in start.items()}
    states = {name: {slot: np.zeros_like(array) for slot in rule.slots} for name, array in values.items()}
    average, losses = dict(values), []
    for step, ((images, labels), rate) in enumerate(zip(BATCHES, RATES, strict=True), 1):
        x = images.mean(axis=(2, 3))
        logits = x @ values["dense1.weight"].T + values["dense1.bias"]
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        target = np.eye(5)[labels] * (1 - smoothing) + smoothing / 5
        losses.append(-(target * np.log(shares)).sum(axis=1).mean())
        slope = (shares - target) / len(labels)
        gradients = {"dense1.weight": slope.T @ x, "dense1.bias": slope.sum(axis=0)}
        norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients.values()))
        factor = 1.0 if clip_norm is None else min(1.0, clip_norm / norm)
        kept = min(ema or 0.0, (1 + step) / (10 + step))
        for name, gradient in gradients.items():
            decay = rule.decay_of(name)
            values[name], states[name] = rule.update(values[name], factor * gradient, states[name], rate, step, decay)
            average[name] = kept * average[name] + (1 - kept) * values[name]
    return values, losses, average


RULES = [
    Sgd(),
    Sgd(momentum=0.9),
    Sgd(momentum=0.9, weight_decay=0.05),
    Sgd(momentum=0.9, weight_decay=0.05, decay="weights"),
    Sgd(weight_decay=0.1),
    Sgd(momentum=0.8, nesterov=True, weight_decay=0.01),
    Adam(epsilon=1e-2),
    Adam(weight_decay=0.05, beta1=0.8),
    AdamW(weight_decay=0.05, decay="weights"),
    *(kind(weight_decay=0.05) for kind in OPTIMIZERS.values()),
]


def ignore(images, loss):
    pass


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_update_rule_is_the_one_that_is_stated(engine, rule):
    graph = linear()
    start = initial(graph, 0)
    start["dense1.bias"] = np.linspace(-1, 1, 5, dtype=np.float32)
    model = engine.build(graph, "cpu")
    model.load(start)
    model.prepare(rule)
    losses = []
    score = train_epoch(model, BATCHES, RATES, 0, lambda images, loss: losses.append(loss))
    wanted, wanted_losses, _ = simulate(rule, start)
    assert losses == pytest.approx(wanted_losses, rel=1e-4)
    assert score.loss == pytest.approx(np.mean(wanted_losses), rel=1e-4)
    for name, array in model.weights().items():
        assert np.abs(array - wanted[name]).max() < 1e-4


def trained_linear(engine, rule, **settings):
    graph = linear()
    model = engine.build(graph, "cpu")
    model.load(initial(graph, 0))
    model.prepare(rule, **settings)
    train_epoch(model, BATCHES, RATES, 0, ignore)
    return model


@pytest.mark.parametrize("rule", [RULES[2], RULES[7]], ids=str)
def test_gradients_are_clipped_by_their_common_norm(engine, rule):
    """The limit is below the norm of some steps and above that of others."""
    start = initial(linear(), 0)
    wanted = simulate(rule, start, clip_norm=0.25)[0]
    unclipped, scaled = simulate(rule, start)[0], simulate(rule, start, clip_norm=0.2)[0]
    found = trained_linear(engine, rule, clip_norm=0.25).weights()
    for name, array in found.items():
        assert np.abs(array - wanted[name]).max() < 1e-5
    assert any(np.abs(unclipped[name] - wanted[name]).max() > 1e-4 for name in wanted)
    assert any(np.abs(scaled[name] - wanted[name]).max() > 1e-4 for name in wanted)


def test_the_moving_average_of_the_weights_is_evaluated_and_training_goes_on_without_it(engine):
    values, _, average = simulate(RULES[2], initial(linear(), 0), ema=0.4)
    model = trained_linear(engine, RULES[2], ema=0.4)
    images = BATCHES[0][0]
    with model.averaged():
        inside, logits = model.weights(), model.predict(images)
    after = model.weights()
    for name in values:
        assert np.abs(inside[name] - average[name]).max() < 1e-5
        assert np.abs(after[name] - values[name]).max() < 1e-4
        assert np.abs(inside[name] - after[name]).max() > 1e-3
    wanted = images.mean(axis=(2, 3)) @ average["dense1.weight"].T + average["dense1.bias"]
    assert np.abs(logits - wanted).max() < 1e-5


def test_without_a_moving_average_the_weights_are_the_models_own(engine):
    model = trained_linear(engine, RULES[1])
    own = model.weights()
    with model.averaged():
        inside = model.weights()
    assert all(np.array_equal(inside[name], own[name]) for name in own)


def test_label_smoothing(engine):
    graph = linear()
    model = engine.build(graph, "cpu")
    model.load(initial(graph, 0))
    model.prepare(Sgd())
    losses = []
    train_epoch(model, BATCHES, RATES, 0, lambda images, loss: losses.append(loss), label_smoothing=0.1)
    assert losses == pytest.approx(simulate(Sgd(), initial(graph, 0), 0.1)[1], rel=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_shares_of_classes_for_labels(engine, smoothing):
    """One-hot shares train as classes do, bit for bit or nearly; mixed ones by their cross-entropy."""
    graph = linear()

    def losses(batches):
        model = engine.build(graph, "cpu")
        model.load(initial(graph, 0))
        model.prepare(Sgd(momentum=0.9))
        told = []
        score = train_epoch(model, batches, RATES, 0, lambda images, loss: told.append(loss), label_smoothing=smoothing)
        return told, score, model.weights()

    hot = [(images, np.eye(5, dtype=np.float32)[labels]) for images, labels in BATCHES]
    plain, same = losses(BATCHES), losses(hot)
    assert same[0] == pytest.approx(plain[0], rel=1e-5)
    assert same[1].top1 == plain[1].top1
    for name, array in same[2].items():
        assert np.abs(array - plain[2][name]).max() < 1e-5

    images, labels = BATCHES[0]
    mixed = (0.7 * np.eye(5)[labels] + 0.3 * np.eye(5)[labels[::-1]]).astype(np.float32)
    start = initial(graph, 0)
    logits = images.mean(axis=(2, 3)) @ start["dense1.weight"].T + start["dense1.bias"]
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    target = (1 - smoothing) * mixed + smoothing / 5
    model = engine.build(graph, "cpu")
    model.load(start)
    model.prepare(Sgd())
    score = train_epoch(model, [(images, mixed)], [0.1], 0, ignore, label_smoothing=smoothing)
    assert score.loss == pytest.approx(float(-(target * logs).sum(axis=1).mean()), rel=1e-5)
    assert score.top1 == (logits.argmax(axis=1) == mixed.argmax(axis=1)).mean()


@pytest.mark.parametrize("ema", [None, 0.5])
@pytest.mark.parametrize("rule", [RULES[2], RULES[5], RULES[7], *(kind() for kind in OPTIMIZERS.values())], ids=str)
def test_a_state_taken_out_and_put_back_goes_on_exactly(engine, rule, ema):
    graph = residual()

    def trained(breaks: bool):
        model = engine.build(graph, "cpu")
        model.load(initial(graph, 0))
        model.prepare(rule, ema=ema)
        train_epoch(model, BATCHES[:3], [rate / 10 for rate in RATES[:3]], 7, ignore)
        if breaks:
            kept, state = model.weights(), model.optimizer_state()
            model = engine.build(graph, "cpu")
            model.prepare(rule, ema=ema)
            model.load(kept)
            model.load_optimizer_state(state)
        train_epoch(model, BATCHES[3:], [rate / 10 for rate in RATES[3:]], 8, ignore)
        with model.averaged():
            averages = {f"averaged {name}": array for name, array in model.weights().items()}
        return model.weights() | averages

    through, broken = trained(False), trained(True)
    assert all(np.array_equal(through[name], broken[name]) for name in through)


def test_training_changes_running_statistics_and_evaluation_does_not(engine):
    graph = residual()
    model = engine.build(graph, "cpu")
    model.load(initial(graph, 0))
    model.prepare(Sgd())
    train_epoch(model, BATCHES[:1], [0.0], 0, ignore)
    after = model.weights()
    assert not np.array_equal(after["norm1.running_mean"], np.zeros(6))
    assert np.array_equal(after["conv1.weight"], initial(graph, 0)["conv1.weight"])
    model.predict(BATCHES[0][0])
    assert all(np.array_equal(after[name], array) for name, array in model.weights().items())


def test_a_loss_that_is_no_number_ends_the_epoch(engine):
    graph = residual()
    model = engine.build(graph, "cpu")
    model.load(initial(graph, 0))
    model.prepare(Sgd())
    with pytest.raises(Diverged, match="training loss became (nan|inf)"):
        train_epoch(model, BATCHES, [1e30] * 6, 0, ignore)


def test_an_odd_batch_is_predicted_as_in_a_larger_one(engine):
    graph = residual()
    model = engine.build(graph, "cpu")
    model.load(initial(graph, 0))
    images = BATCHES[0][0]
    assert np.allclose(model.predict(images)[:3], model.predict(images[:3]), atol=1e-5)
