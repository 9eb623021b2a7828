"""The mxnet engine's model: a block that Gluon's own tools accept, weights in and out, and the order of steps."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Sgd
from tests.conftest import engine_or_skip


@pytest.fixture
def model():
    graph = rl.graph("cifar_resnet20", input=(3, 8, 8), classes=4)
    built = engine_or_skip("mxnet").build(graph, "cpu")
    built.load(initial(graph, 1))
    return built


def batch(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 3, 8, 8)).astype(np.float32), np.array([0, 1, 2, 3, 0, 1], np.int32)


def test_the_block_is_at_home_in_gluon(tmp_path):
    engine_or_skip("mxnet")
    net = rl.build("cifar_resnet20", input=(3, 32, 32), classes=7, seed=1)
    import mxnet as mx
    from mxnet import autograd, gluon

    assert isinstance(net, gluon.HybridBlock)
    assert "stage2.block1.conv1.weight" in net.collect_params()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    x, y = mx.nd.random.normal(shape=(4, 3, 32, 32)), mx.nd.array([0, 1, 2, 3])
    losses = []
    for _ in range(5):
        with autograd.record():
            loss = gluon.loss.SoftmaxCrossEntropyLoss()(net(x), y)
        loss.backward()
        trainer.step(4)
        losses.append(loss.mean().asscalar())
    assert losses[-1] < losses[0]
    mx.nd.waitall()  # see GraphBlock
    net.save_parameters(str(tmp_path / "net.params"))
    again = rl.build("cifar_resnet20", input=(3, 32, 32), classes=7, seed=2)
    assert np.abs((again(x) - net(x)).asnumpy()).max() > 1e-3
    again.load_parameters(str(tmp_path / "net.params"))
    assert np.array_equal(again(x).asnumpy(), net(x).asnumpy())


def test_weights_come_out_as_they_went_in(model):
    values = initial(model.graph, 7)
    model.load(values)
    found = model.weights()
    assert found.keys() == values.keys()
    assert all(np.array_equal(found[name], values[name]) for name in values)
    found["head.dense1.weight"][:] = 0  # a copy: the model keeps its own
    assert np.array_equal(model.weights()["head.dense1.weight"], values["head.dense1.weight"])
    with pytest.raises(LabError, match="do not fit the network: missing head.dense1.weight"):
        model.load({name: value for name, value in values.items() if name != "head.dense1.weight"})


def test_a_second_step_may_be_started_before_the_first_is_waited_for(model):
    """The loop keeps `most_started` steps under way; the losses are those of steps that are waited for one by one."""
    losses = []
    for ahead in (1, model.most_started):
        model.load(initial(model.graph, 1))
        model.prepare(Sgd(momentum=0.9))
        model.begin_epoch(0)
        started, found = [], []
        for images, labels in model.on_device([batch(seed) for seed in range(4)]):
            started.append(model.train_step(images, labels, 0.05))
            if len(started) == ahead:
                found.append(started.pop(0).wait())
        found += [step.wait() for step in started]
        model.end_epoch()
        losses.append(found)
    assert losses[0] == losses[1]
    assert all(0 <= right <= 6 for _, right, _ in losses[0])


def test_prediction_uses_the_running_statistics(model):
    images, _ = batch()
    together = model.predict(images)
    assert together.shape == (6, 4)
    assert np.allclose(model.predict(images[:2]), together[:2], atol=1e-5)
