"""ONNX: every op against NumPy, whole nets against the engine, norms folded or not."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import engines
from resnet_lab.network.tensor import OPS, Builder
from resnet_lab.ops.shapes import PART
from resnet_lab.weights.export import onnx
from resnet_lab.weights.export.fold import fold
from tests.conftest import any_engine, random_weights
from tests.engines.test_lowering import CASES, RNG, X

runtime = pytest.importorskip("onnxruntime")


def runner(graph, arrays):
    """The logits of the exported network, as a function of images."""
    model = onnx.lower(graph, arrays, {})
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})[0]


def test_every_op_has_a_lowering():
    assert set(onnx.LOWERINGS) == {*OPS, PART}


@pytest.mark.parametrize("case", CASES)
def test_an_op_does_what_its_name_says(case):
    function, expected = CASES[case]
    builder = Builder()
    graph = builder.finish(function(builder.input(X.shape[1:])))
    arrays = {
        name: (RNG.uniform(0.5, 2, p.shape) if "running_var" in name else RNG.standard_normal(p.shape)).astype("f")
        for name, p in graph.parameters.items()
    }
    got, wanted = runner(graph, arrays)(X), expected(X.astype(np.float64), arrays)
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= 2e-5 * max(1.0, np.abs(wanted).max())


@pytest.mark.parametrize("name", ["resnet18", "resnet50_v2", "se_resnext50_32x4d", "cifar_resnet20"])
def test_a_net_gives_the_logits_of_every_engine_folded_or_not(name):
    any_engine()
    size = 32 if "cifar" in name else 64
    graph = rl.graph(name, input=(3, size, size))
    arrays = random_weights(graph)
    folded, others = fold(graph, arrays)
    # The norms that are left stand before their convolution.
    assert any(node.op == "norm" for node in folded.nodes) == name.endswith("v2")
    assert not set(others) - {f"{node.name}.{key}" for node in folded.nodes for key in node.params}
    batches = [np.random.default_rng(count).standard_normal((count, *graph.input), np.float32) for count in (1, 5)]
    exported = [list(map(runner(*network), batches)) for network in ((graph, arrays), (folded, others))]
    for engine in map(engines.get, engines.names()):
        if engine.problem():
            continue
        model = engine.build(graph, "cpu")
        model.load(arrays)
        for index, images in enumerate(batches):
            wanted = model.predict(images)
            for logits in exported:
                assert np.abs(logits[index] - wanted).max() / np.abs(wanted).max() < 1e-4, engine.name
