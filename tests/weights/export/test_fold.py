"""Folding batch norms into convolutions; test_onnx.py compares whole folded networks with the engines."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab.network.tensor import Builder
from resnet_lab.weights.export.fold import fold
from tests.conftest import random_weights


def test_a_norm_that_shares_its_convolution_is_not_folded():
    from resnet_lab.ops import conv, norm

    builder = Builder()
    y = conv(builder.input((3, 8, 8)), 4, 3)
    graph = builder.finish(norm(y) + y)
    arrays = {name: np.ones(p.shape, np.float32) for name, p in graph.parameters.items()}
    assert fold(graph, arrays)[0] == graph


@pytest.mark.parametrize(("name", "left"), [("cifar_resnet20", 0), ("resnet18_v2", 10)])
def test_norms_that_follow_a_convolution_are_folded(name, left):
    """Of the 19 norms of resnet18_v2, 10 are left: those of the images and the end, and the first of each block."""
    graph = rl.graph(name)
    other, arrays = fold(graph, random_weights(graph))
    assert sum(node.op == "norm" for node in graph.nodes) == 19
    assert sum(node.op == "norm" for node in other.nodes) == left
    assert arrays.keys() == other.parameters.keys()
    assert other.output == graph.output
