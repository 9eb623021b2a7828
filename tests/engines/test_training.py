"""The training contract of every engine: the stated update rules, states in and out, divergence."""

import numpy as np
import pytest

from resnet_lab import ops
from resnet_lab.engines.contract import Diverged, Optimizer
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import Builder

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


def simulate(rule: Optimizer, start, smoothing=0.0):
    """The rules as `Optimizer` states them, in float64, for the linear net."""
    values = {name: array.astype(np.float64) for name, array in start.items()}
    first = {name: np.zeros_like(array) for name, array in values.items()}
    second = {name: np.zeros_like(array) for name, array in values.items()}
    losses = []
    for step, ((images, labels), rate) in enumerate(zip(BATCHES, RATES, strict=True), 1):
        x = images.mean(axis=(2, 3))
        logits = x @ values["dense1.weight"].T + values["dense1.bias"]
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        target = np.eye(5)[labels] * (1 - smoothing) + smoothing / 5
        losses.append(-(target * np.log(shares)).sum(axis=1).mean())
        slope = (shares - target) / len(labels)
        gradients = {"dense1.weight": slope.T @ x, "dense1.bias": slope.sum(axis=0)}
        for name, gradient in gradients.items():
            w = values[name]
            if rule.decay == "all" or name.endswith("weight"):
                gradient = gradient + rule.weight_decay * w
            if rule.name == "adam":
                first[name] = rule.beta1 * first[name] + (1 - rule.beta1) * gradient
                second[name] = rule.beta2 * second[name] + (1 - rule.beta2) * gradient**2
                mean = first[name] / (1 - rule.beta1**step)
                values[name] = w - rate * mean / (np.sqrt(second[name] / (1 - rule.beta2**step)) + rule.epsilon)
            else:
                first[name] = rule.momentum * first[name] + rate * gradient
                values[name] = w - (rule.momentum * first[name] + rate * gradient if rule.nesterov else first[name])
    return values, losses


RULES = [
    Optimizer(),
    Optimizer(momentum=0.9),
    Optimizer(momentum=0.9, weight_decay=0.05),
    Optimizer(momentum=0.9, weight_decay=0.05, decay="weights"),
    Optimizer(weight_decay=0.1),
    Optimizer(momentum=0.8, nesterov=True, weight_decay=0.01),
    Optimizer("adam", epsilon=1e-2),
    Optimizer("adam", weight_decay=0.05, beta1=0.8),
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
    score = model.train_epoch(BATCHES, RATES, 0, lambda images, loss: losses.append(loss))
    wanted, wanted_losses = simulate(rule, start)
    assert losses == pytest.approx(wanted_losses, rel=1e-4)
    assert score.loss == pytest.approx(np.mean(wanted_losses), rel=1e-4)
    for name, array in model.weights().items():
        assert np.abs(array - wanted[name]).max() < 1e-4


def test_label_smoothing(engine):
    graph = linear()
    model = engine.build(graph, "cpu")
    model.load(initial(graph, 0))
    model.prepare(Optimizer())
    losses = []
    model.train_epoch(BATCHES, RATES, 0, lambda images, loss: losses.append(loss), label_smoothing=0.1)
    assert losses == pytest.approx(simulate(Optimizer(), initial(graph, 0), 0.1)[1], rel=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_shares_of_classes_for_labels(engine, smoothing):
    """One-hot shares train as classes do, bit for bit or nearly; mixed ones by their cross-entropy."""
    graph = linear()

    def losses(batches):
        model = engine.build(graph, "cpu")
        model.load(initial(graph, 0))
        model.prepare(Optimizer(momentum=0.9))
        told = []
        score = model.train_epoch(batches, RATES, 0, lambda images, loss: told.append(loss), label_smoothing=smoothing)
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
    model.prepare(Optimizer())
    score = model.train_epoch([(images, mixed)], [0.1], 0, ignore, label_smoothing=smoothing)
    assert score.loss == pytest.approx(float(-(target * logs).sum(axis=1).mean()), rel=1e-5)
    assert score.top1 == (logits.argmax(axis=1) == mixed.argmax(axis=1)).mean()


@pytest.mark.parametrize("rule", [RULES[2], RULES[5], RULES[7]], ids=str)
def test_a_state_taken_out_and_put_back_goes_on_exactly(engine, rule):
    graph = residual()

    def trained(breaks: bool):
        model = engine.build(graph, "cpu")
        model.load(initial(graph, 0))
        model.prepare(rule)
        model.train_epoch(BATCHES[:3], [rate / 10 for rate in RATES[:3]], 7, ignore)
        if breaks:
            kept, state = model.weights(), model.optimizer_state()
            model = engine.build(graph, "cpu")
            model.prepare(rule)
            model.load(kept)
            model.load_optimizer_state(state)
        model.train_epoch(BATCHES[3:], [rate / 10 for rate in RATES[3:]], 8, ignore)
        return model.weights()

    through, broken = trained(False), trained(True)
    assert all(np.array_equal(through[name], broken[name]) for name in through)


def test_training_changes_running_statistics_and_evaluation_does_not(engine):
    graph = residual()
    model = engine.build(graph, "cpu")
    model.load(initial(graph, 0))
    model.prepare(Optimizer())
    model.train_epoch(BATCHES[:1], [0.0], 0, ignore)
    after = model.weights()
    assert not np.array_equal(after["norm1.running_mean"], np.zeros(6))
    assert np.array_equal(after["conv1.weight"], initial(graph, 0)["conv1.weight"])
    model.predict(BATCHES[0][0])
    assert all(np.array_equal(after[name], array) for name, array in model.weights().items())


def test_a_loss_that_is_no_number_ends_the_epoch(engine):
    graph = residual()
    model = engine.build(graph, "cpu")
    model.load(initial(graph, 0))
    model.prepare(Optimizer())
    with pytest.raises(Diverged, match="training loss became (nan|inf)"):
        model.train_epoch(BATCHES, [1e30] * 6, 0, ignore)


def test_an_odd_batch_is_predicted_as_in_a_larger_one(engine):
    graph = residual()
    model = engine.build(graph, "cpu")
    model.load(initial(graph, 0))
    images = BATCHES[0][0]
    assert np.allclose(model.predict(images)[:3], model.predict(images[:3]), atol=1e-5)
