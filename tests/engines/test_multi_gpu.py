"""One model on several devices, here contexts of the CPU: a batch is split, gradients are summed, updates are alike.

No test has run on several GPUs; contexts of the CPU go through the same code, Gluon's kvstore among it.
"""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError, data, engines, ops
from resnet_lab.engines.contract import Rank
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import Builder
from resnet_lab.specs.experiment import load
from resnet_lab.specs.optimizers import Adam, Sgd
from resnet_lab.sweeps.plan import plan
from resnet_lab.training.epoch import train_epoch
from resnet_lab.training.evaluate import evaluate
from resnet_lab.weights import finetune
from tests.conftest import engine_or_skip, trained_in_two_goes
from tests.engines.test_modules import GLUON, SPEC

RNG = np.random.default_rng(0)
BATCHES = [
    (RNG.standard_normal((9, 3, 8, 8)).astype(np.float32), RNG.integers(0, 5, 9).astype(np.int32)) for _ in range(5)
]


@pytest.fixture
def on():
    """A builder of models on contexts of the CPU."""
    engine_or_skip("mxnet")
    from resnet_lab.engines.mxnet.model import MXNetModel

    return MXNetModel


def unnormed():
    builder = Builder()
    x = ops.relu(ops.conv(builder.input((3, 8, 8)), 6, 3, bias=True))
    return builder.finish(ops.dense(ops.global_avg_pool(x + ops.conv(x, 6, 3)), 5))


def normed():
    builder = Builder()
    x = builder.input((3, 8, 8))
    with ops.scope(x, "stem"):
        x = ops.relu(ops.norm(ops.conv(x, 6, 3)))
    return builder.finish(ops.dense(ops.global_avg_pool(x), 5))


def trained(model, rule, epochs=2):
    losses = []
    model.load(initial(model.graph, 0))
    model.prepare(rule)
    scores = [
        train_epoch(model, BATCHES, [0.05] * len(BATCHES), epoch, lambda images, loss: losses.append(loss), 0.1)
        for epoch in range(epochs)
    ]
    return losses, scores


@pytest.mark.parametrize("rule", [Sgd(momentum=0.9, weight_decay=0.01), Adam()], ids=str)
@pytest.mark.parametrize("device", ["cpu:0,1", "cpu:0,1,2,3"])
def test_without_batch_norm_several_devices_train_as_one(on, device, rule):
    """Nine images are split unevenly, and so weigh unevenly."""
    one, several = on(unnormed(), "cpu"), on(unnormed(), device)
    wanted, scores = trained(one, rule)
    losses, own_scores = trained(several, rule)
    assert losses == pytest.approx(wanted, abs=2e-6)
    assert [score.top1 for score in own_scores] == [score.top1 for score in scores]
    for name, array in one.weights().items():
        assert np.abs(several.weights()[name] - array).max() < 1e-5
    for count in (1, 9):
        assert np.allclose(several.predict(BATCHES[0][0][:count]), one.predict(BATCHES[0][0][:count]), atol=1e-5)
    for name, array in one.optimizer_state().items():
        assert np.allclose(several.optimizer_state()[name], array, atol=1e-5)


def test_running_statistics_are_the_mean_of_the_devices(on):
    """Each device norms its own part: after a step at rate 0 the statistics are the mean over both parts'."""
    graph = normed()
    images, labels = BATCHES[0][0][:8], BATCHES[0][1][:8]
    parts = []
    for part in (slice(0, 4), slice(4, 8)):
        model = on(graph, "cpu")
        model.load(initial(graph, 0))
        model.prepare(Sgd())
        train_epoch(model, [(images[part], labels[part])], [0.0], 0, lambda images, loss: None)
        parts.append(model.weights())
    both = on(graph, "cpu:0,1")
    both.load(initial(graph, 0))
    both.prepare(Sgd())
    train_epoch(both, [(images, labels)], [0.0], 0, lambda images, loss: None)
    both.synchronize()
    for name in ("stem.norm1.running_mean", "stem.norm1.running_var"):
        wanted = (parts[0][name] + parts[1][name]) / 2
        assert not np.array_equal(parts[0][name], parts[1][name])
        for array in both.block.params[name].list_data():
            assert np.allclose(array.asnumpy(), wanted, atol=1e-6)


def test_statistics_of_gluons_own_blocks_are_the_mean_too(on, workspace):
    (workspace / "variants" / "theirs.py").write_text(GLUON)
    (workspace / "variants" / "theirs.yaml").write_text(SPEC.replace("BLOCK", "gluon_basic"))
    graph = rl.graph("theirs", input=(3, 8, 8))
    model = on(graph, "cpu:0,1")
    start = initial(graph, 0)
    model.load(start)
    model.prepare(Sgd())
    train_epoch(model, BATCHES[:1], [0.01], 0, lambda images, loss: None)
    for name, parameter in model.block.own.items():
        one, other = (array.asnumpy() for array in parameter.list_data())
        assert np.array_equal(one, other), name
        assert not np.array_equal(one, start[name]) or not start[name].any(), name


def test_frozen_layers_stay_what_they_were_on_three_devices(on):
    """A mean of three equal numbers need not be that number."""
    graph = finetune.frozen(normed(), ["stem"])
    start = initial(graph, 0)
    start["stem.norm1.running_mean"] = RNG.standard_normal(6).astype(np.float32)
    start["stem.norm1.running_var"] = RNG.uniform(0.5, 2, 6).astype(np.float32)
    model = on(graph, "cpu:0,1,2")
    model.load(start)
    model.prepare(Sgd(momentum=0.9))
    train_epoch(model, BATCHES, [0.05] * len(BATCHES), 0, lambda images, loss: None)
    after = model.weights()
    assert {name for name in start if np.array_equal(after[name], start[name])} == {
        name for name in start if not name.startswith("dense")
    }


def test_a_net_with_batch_norm_learns_on_two_devices_and_goes_on_from_its_state(on):
    dataset = data.load("digits", size=8, channels=3)
    feed = data.Feed(dataset.train, 48, 0, dataset.mean, dataset.std)
    graph = rl.graph("cifar_resnet20", input=(3, 8, 8), classes=10)

    start = initial(graph, 0)
    through, broken = (
        trained_in_two_goes(lambda: on(graph, "cpu:0,1"), start, feed, breaks) for breaks in (False, True)
    )
    one, other = through.weights(), broken.weights()
    assert all(np.array_equal(one[name], other[name]) for name in one)
    score = evaluate(through, data.EvaluationBatches(dataset.test, 100, dataset.mean, dataset.std))
    assert score.top1 > 0.8


def test_a_batch_smaller_than_the_devices_is_refused(on):
    model = on(unnormed(), "cpu:0,1")
    model.prepare(Sgd())
    with pytest.raises(LabError, match="a batch of 1 cannot be split over 2 devices"):
        train_epoch(model, [(BATCHES[0][0][:1], BATCHES[0][1][:1])], [0.1], 0, lambda images, loss: None)


def test_the_number_of_devices_is_part_of_a_trials_id(workspace):
    """Because of batch norm; which devices, and whether the one is a GPU, is not."""
    (workspace / "experiments" / "e.yaml").write_text(
        "variants: [cifar_resnet20]\ndata: {size: 8}\ntrain: {epochs: 1, batch_size: 2}\n"
    )
    experiment = load("experiments/e.yaml")
    ids = [plan(experiment, word).trials[0].id for word in (None, "cpu", "gpu:1", "gpu:0,1", "gpu:2,3", "cpu:0,1")]
    assert ids[0] == ids[1] == ids[2]
    assert ids[3] == ids[4] == ids[5] != ids[0]
    with pytest.raises(LabError, match="e.yaml:3: 'train.batch_size' is 2, too few to split over 3 devices"):
        plan(experiment, "gpu:0,1,2")
    with pytest.raises(LabError, match="--device: unknown device 'tpu'"):
        plan(experiment, "tpu")


def test_a_model_of_pytorch_is_on_one_device():
    """Only a trial takes several, each in a process of its own."""
    engine = engine_or_skip("torch")
    assert (engine.processes("cpu"), engine.processes("cpu:0,1"), engine.processes("gpu:0,1,2")) == (1, 2, 3)
    with pytest.raises(LabError, match="'cpu:0,1' is for experiments: a model of the engine 'torch' is on one device"):
        rl.build("cifar_resnet20", engine="torch", device="cpu:0,1")


def test_gluon_trains_on_all_gpus_in_one_process():
    engine = engines.get("mxnet")
    assert (engine.processes("cpu"), engine.processes("cpu:0,1"), engine.processes("gpu:0,1,2")) == (1, 2, 1)


def test_the_parts_of_a_batch_are_all_of_it():
    for images in (2, 7, 8, 9):
        for count in (1, 2, 3):
            if images >= count:
                parts = [range(images)[Rank(number, count, "").part(images)] for number in range(count)]
                assert [index for part in parts for index in part] == list(range(images))
                assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_synchronised_norms_decide_the_outcome_where_devices_share_a_batch(workspace):
    (workspace / "experiments" / "e.yaml").write_text(
        "variants: [cifar_resnet20]\nengine: torch\ndata: {size: 8}\ntrain: {epochs: 1, batch_size: 4}\n"
    )
    ids = {
        (norm, device): plan(load("experiments/e.yaml", [f"train.norm={norm}"]), device).trials[0].id
        for norm in ("local", "synchronised")
        for device in ("cpu", "cpu:0,1")
    }
    assert ids["local", "cpu"] == ids["synchronised", "cpu"]
    assert len(set(ids.values())) == 3
    with pytest.raises(LabError, match="--set train.norm=synchronised: the engine 'mxnet' has no synchronised"):
        plan(load("experiments/e.yaml", ["train.norm=synchronised", "engine=mxnet"]))
