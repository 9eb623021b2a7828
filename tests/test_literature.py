"""The examples of docs/examples/literature: their size, and the same results on both engines and in ONNX."""

import ast

import numpy as np
import pytest

from resnet_lab.network.initial import initial
from resnet_lab.specs import variant
from resnet_lab.weights.export import onnx
from tests.conftest import ROOT, engine_or_skip, random_weights
from tests.engines.gradients import gradients

FOLDER = ROOT / "docs" / "examples" / "literature"

PUBLISHED = {
    "res2net50": (25.70e6, 0.01e6),
    "eca_resnet50": (25_557_032 + 80, 0),
    "sk_resnet50": (27.48e6, 0.01e6),
    "cbam_resnet50": (28_089_624, 0),
}
"""Parameters with 1000 classes, and the precision of the figure; docs/blocks.md names the sources."""


def small(name):
    """The network of an example with 5 blocks of 64 channels, for images of 32x32 pixels."""
    stages = {number: {"repeat": 2 if number == 2 else 1, "channels": 64} for number in (1, 2, 3, 4)}
    return variant.load(str(FOLDER / f"{name}.yaml"), {"stages": stages}).graph((3, 32, 32), 10)


def test_every_example_is_tested():
    assert {file.stem for file in FOLDER.glob("*.yaml")} == set(PUBLISHED)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_a_block_is_at_most_twenty_lines(file):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 20
    assert len([node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]) == 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_the_published_ones(name):
    published, precision = PUBLISHED[name]
    assert abs(variant.load(str(FOLDER / f"{name}.yaml")).graph().params - published) <= precision / 2


@pytest.mark.parametrize("name", PUBLISHED)
def test_logits_are_equal_on_both_engines_and_in_onnx(name):
    graph = small(name)
    weights = random_weights(graph)
    images = np.random.default_rng(0).standard_normal((3, *graph.input)).astype(np.float32)
    logits = []
    for engine in ("mxnet", "torch"):
        model = engine_or_skip(engine).build(graph, "cpu")
        model.load(weights)
        logits.append(model.predict(images))
    runtime = pytest.importorskip("onnxruntime")
    text = onnx.lower(graph, weights, {}).SerializeToString()
    logits += runtime.InferenceSession(text, providers=["CPUExecutionProvider"]).run(None, {"images": images})
    assert np.isfinite(logits[0]).all()
    for other in logits[1:]:
        assert np.abs(logits[0] - other).max() < 1e-4 * np.abs(logits[0]).max()


@pytest.mark.parametrize("name", PUBLISHED)
def test_gradients_of_the_first_step_are_equal_on_both_engines(name):
    """In float64: in float32, rounding moves values of batch norm across the kink of ReLU, where gradients jump."""
    graph = small(name)
    rng = np.random.default_rng(0)
    images, head = (rng.standard_normal((4, *shape)).astype(np.float32) for shape in (graph.input, graph.output))
    found = []
    for engine in ("mxnet", "torch"):
        engine_or_skip(engine)
        found.append(gradients(engine, graph, initial(graph, 0), images, head, "float64"))
    for array, wanted in found[0].items():
        assert np.abs(found[1][array] - wanted).max() <= 1e-9 * np.abs(wanted).max(), array
