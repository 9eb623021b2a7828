"""Our nets against Gluon-CV's of the same name: with the same weights the same logits and gradients."""

import numpy as np
import pytest

import resnet_lab as rl
from tests.conftest import engine_or_skip, gluoncv

NETS = {
    "resnet18_v1": 64,
    "resnet34_v1": 64,
    "resnet50_v1": 64,
    "resnet50_v1b": 64,
    "resnet18_v2": 64,
    "resnet50_v2": 64,
    "cifar_resnet20_v1": 32,
    "cifar_resnet20_v2": 32,
}


def theirs_and_ours(name):
    """Gluon-CV's net with random weights and statistics, ours with the same, and pairs of their parameters."""
    engine = engine_or_skip("mxnet")
    size = NETS[name]
    graph = rl.graph(name, input=(3, size, size))
    model = engine.build(graph, "cpu")
    import mxnet as mx

    theirs = gluoncv().get_model(name)
    theirs.initialize()
    theirs(mx.nd.zeros((1, 3, size, size)))
    parameters = list(theirs.collect_params().values())
    if name.endswith("v2"):  # the scale and offset of the norm of images, which are not trained there, nor ours
        parameters = parameters[2:]
    pairs = list(zip(parameters, graph.parameters, strict=True))
    rng = np.random.default_rng(0)
    values = {}
    for parameter, own in pairs:
        assert parameter.shape == graph.parameters[own].shape, (parameter.name, own)
        assert (parameter.grad_req != "null") == graph.parameters[own].trained
        spread = rng.standard_normal(parameter.shape)
        if own.endswith(("scale", "running_var")):
            spread = rng.uniform(0.5, 1.5, parameter.shape)
        elif own.endswith("weight"):
            spread *= (2 / np.prod(parameter.shape[1:])) ** 0.5
        values[own] = (spread if not own.endswith(("bias", "mean")) else 0.1 * spread).astype(np.float32)
        parameter.set_data(mx.nd.array(values[own]))
    model.load(values)
    images = mx.nd.array(rng.standard_normal((4, 3, size, size)))
    return theirs, model.block, pairs, images


def off(got, wanted) -> float:
    """Largest difference, relative to the largest value."""
    got, wanted = got.asnumpy(), wanted.asnumpy()
    return float(np.abs(got - wanted).max() / max(np.abs(wanted).max(), 1e-12))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if "34" in name else name for name in NETS]
)
def test_logits_and_gradients_are_gluons(name):
    theirs, ours, pairs, images = theirs_and_ours(name)
    # Lowered alike: imperative Gluon rounds elsewhere, and gradients through batch norm amplify that.
    theirs.hybridize(static_alloc=True, static_shape=True)
    import mxnet as mx
    from mxnet import autograd

    assert off(ours(images), theirs(images)) < 1e-4
    logits = []
    for net in (theirs, ours):
        with autograd.record():
            out = net(images)
            loss = (out * out).mean()
        loss.backward()
        mx.nd.waitall()
        logits.append(out)
    assert off(logits[1], logits[0]) < 1e-4
    for parameter, own in pairs:
        mine = ours.params[own]
        if parameter.grad_req != "null":
            assert off(mine.grad(), parameter.grad()) < 1e-4, own
        else:
            assert off(mine.data(), parameter.data()) < 1e-4, own
