"""float16 with multi-precision on MXNet: the updates, which the CPU has, and the net with its two missing ops lent.

MXNet's CPU build has no convolution and no dense layer in float16. The tests of the whole net lend it
both, computed in float32 on the values that float16 holds; all the rest is what a GPU would run.
"""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError, data, engines, ops
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import Builder
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.training.epoch import train_epoch
from resnet_lab.training.evaluate import evaluate
from resnet_lab.weights import finetune
from tests.conftest import engine_or_skip, trained_in_two_goes
from tests.engines.test_update import RULES

BATCHES = [
    (rng.standard_normal((8, 3, 8, 8)).astype(np.float32), rng.integers(0, 5, 8).astype(np.int32))
    for rng in map(np.random.default_rng, range(6))
]


@pytest.fixture
def mx():
    engine_or_skip("mxnet")
    import mxnet

    return mxnet


@pytest.fixture
def lent(mx, monkeypatch):
    """A builder of float16 models on the CPU."""
    from resnet_lab.engines.mxnet import float16
    from resnet_lab.engines.mxnet.model import MXNetModel

    def through_float32(lower):
        def lowered(F, node, inputs, params):
            inputs = [F.cast(x, dtype="float32") for x in inputs]
            params = {key: F.cast(array, dtype="float32") for key, array in params.items()}
            return F.cast(lower(F, node, inputs, params), dtype="float16")

        return lowered

    lendings = {op: through_float32(float16.LOWERINGS[op]) for op in ("conv", "dense")}
    monkeypatch.setattr(float16, "LOWERINGS", {**float16.LOWERINGS, **lendings})
    return lambda graph: MXNetModel(graph, "cpu", "float16")


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_updates_of_a_float16_weight_are_those_of_its_float32_master(mx, rule):
    """Steps far below what float16 resolves: only the master can add them up."""
    from resnet_lab.engines.mxnet.float16 import LOSS_SCALE
    from resnet_lab.engines.mxnet.update import Update, Weight

    rng = np.random.default_rng(0)
    start = rng.uniform(1, 2, (4, 3)).astype(np.float16)
    full = Weight(mx.nd.array(start, dtype="float32"), mx.nd.zeros((4, 3)))
    half = Weight(
        mx.nd.array(start, dtype="float16"), mx.nd.zeros((4, 3), dtype="float16"), mx.nd.array(start, dtype="float32")
    )
    updates = [Update(rule, {"w.weight": full}), Update(rule, {"w.weight": half}, LOSS_SCALE)]
    for _ in range(20):
        gradient = rng.standard_normal((4, 3)).astype(np.float16) / 8
        full.gradient[:] = mx.nd.array(gradient, dtype="float32")
        half.gradient[:] = mx.nd.array(gradient * LOSS_SCALE, dtype="float16")
        for update in updates:
            update(1e-5)
    wanted = full.value.asnumpy()
    assert 0 < np.abs(wanted - start).max() < 1e-2
    assert np.abs(half.master.asnumpy() - wanted).max() < 1e-6
    assert np.array_equal(half.value.asnumpy(), half.master.asnumpy().astype(np.float16))


def everything(classes=5, width=6):
    """Every kind of norm and of parameter, and a gate."""
    builder = Builder()
    x = builder.input((3, 8, 8))
    with ops.scope(x, "stem"):
        x = ops.relu(ops.norm(ops.conv(x, width, 3, bias=True)))
    x = x + ops.layer_scale(ops.norm(ops.conv(x, width, 3), "group", groups=3), 0.5)
    x = x + ops.norm(ops.conv(x, width, 3), "layer")
    x = x * ops.sigmoid(ops.dense(ops.global_avg_pool(x), width))
    return builder.finish(ops.dense(ops.max_pool(x, 2, 2), classes))


def test_what_is_float16_and_what_is_not(lent):
    graph = everything()
    model = lent(graph)
    dtypes = {name: np.dtype(parameter.dtype).name for name, parameter in model.block.params.items()}
    assert {name for name, dtype in dtypes.items() if dtype == "float16"} == {
        name for name in dtypes if name.split(".")[-2].startswith(("conv", "dense"))
    }
    start = initial(graph, 0)
    model.load(start)
    given = model.weights()
    assert all(array.dtype == np.float32 for array in given.values())
    assert all(np.array_equal(given[name], start[name]) for name in start)
    assert model.predict(np.zeros((2, 3, 8, 8), np.float32)).dtype == np.float32


@pytest.mark.parametrize("rule", [RULES[3], RULES[5], RULES[7]], ids=str)
def test_training_in_float16_follows_float32(lent, rule):
    graph = everything()
    full = _train(engines.get("mxnet").build(graph, "cpu"), graph, rule)
    losses = _train(lent(graph), graph, rule)
    assert losses != full
    assert losses == pytest.approx(full, rel=5e-3)


def _train(model, graph, rule):
    losses = []
    model.load(initial(graph, 0))
    model.prepare(rule)
    train_epoch(model, BATCHES, [0.003] * len(BATCHES), 0, lambda images, loss: losses.append(loss))
    return losses


def test_frozen_weights_stay_what_they_were_bit_for_bit(lent):
    graph = finetune.frozen(everything(), ["stem"])
    model = lent(graph)
    start = initial(graph, 0)
    _train(model, graph, RULES[3])
    after = model.weights()
    for name, array in start.items():
        assert after[name].dtype == np.float32
        assert np.array_equal(after[name], array) is name.startswith("stem."), name


def test_small_gradients_do_not_vanish(lent):
    """At a gradient of 1e-8 float16 is zero; the scaled loss carries it through."""
    builder = Builder()
    graph = builder.finish(ops.dense(ops.global_avg_pool(ops.conv(builder.input((3, 4, 4)), 4, 3)), 5))
    start = initial(graph, 0)
    start["dense1.weight"] *= 1e-6
    model = lent(graph)
    model.load(start)
    model.prepare(Sgd())
    train_epoch(model, [(BATCHES[0][0][:, :, :4, :4], BATCHES[0][1])], [1.0], 0, lambda images, loss: None)
    change = np.abs(model.weights()["conv1.weight"] - start["conv1.weight"])
    assert 0 < change.max() < 1e-6


def test_a_net_learns_in_float16_and_goes_on_from_its_state(lent):
    dataset = data.load("digits", size=8, channels=3)
    feed = data.Feed(dataset.train, 48, 0, dataset.mean, dataset.std)
    graph = everything(classes=10, width=12)

    start = initial(graph, 0)
    through, broken = (trained_in_two_goes(lambda: lent(graph), start, feed, breaks) for breaks in (False, True))
    one, other = through.weights(), broken.weights()
    assert all(np.array_equal(one[name], other[name]) for name in one)
    score = evaluate(through, data.EvaluationBatches(dataset.test, 100, dataset.mean, dataset.std))
    assert score.top1 > 0.8


def test_float16_on_the_cpu_is_refused_with_file_and_line(workspace, mx):
    graph = rl.graph("cifar_resnet20", classes=10)
    with pytest.raises(LabError, match="no convolutions in float16 for the CPU: precision 'float16' needs a GPU"):
        engines.get("mxnet").build(graph, "cpu", "float16")
    text = "variants: [cifar_resnet20]\ndata: {size: 8}\ntrain: {epochs: 1, batch_size: 32}\ndevice: cpu\n"
    for more, line in [("precision: float16\n", 5), ("grid:\n  precision: [float32, float16]\n", 6)]:
        (workspace / "experiments" / "e.yaml").write_text(text + more)
        with pytest.raises(LabError, match=f"e.yaml:{line}: MXNet has no convolutions in float16"):
            rl.run("experiments/e.yaml")
    assert not (workspace / "results").exists()
