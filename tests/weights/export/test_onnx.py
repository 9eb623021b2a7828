"""ONNX: every op against NumPy, whole nets against the engine, norms folded or not."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab.network.tensor import OPS, Builder
from resnet_lab.ops.shapes import PART
from resnet_lab.weights.export import onnx
from resnet_lab.weights.export.fold import fold
from tests.conftest import random_weights
from tests.engines.test_lowering import CASES, RNG, X

runtime = pytest.importorskip("onnxruntime")


def run(graph, arrays, images):
    model = onnx.lower(graph, arrays, {})
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})[0]


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
    got, wanted = run(graph, arrays, X), expected(X.astype(np.float64), arrays)
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= 2e-5 * max(1.0, np.abs(wanted).max())


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("name", ["resnet18", "resnet50_v2", "se_resnext50_32x4d", "cifar_resnet20"])
def test_a_net_gives_the_engines_logits(engine, name, folded):
    size = 32 if "cifar" in name else 64
    graph = rl.graph(name, input=(3, size, size))
    arrays = random_weights(graph)
    model = engine.build(graph, "cpu")
    model.load(arrays)
    other, others = fold(graph, arrays) if folded else (graph, arrays)
    if folded:
        # The norms that are left stand before their convolution.
        left = [node for node in other.nodes if node.op == "norm"]
        assert bool(left) == name.endswith("v2")
        assert not set(others) - {f"{node.name}.{key}" for node in other.nodes for key in node.params}
    for batch in (1, 5):
        images = np.random.default_rng(batch).standard_normal((batch, *graph.input), np.float32)
        wanted, got = model.predict(images), run(other, others, images)
        assert np.abs(got - wanted).max() / np.abs(wanted).max() < 1e-4
