"""Shortcuts: what each kind adds, and what it costs."""

import pytest

from resnet_lab.blocks.shortcuts import Shortcut
from resnet_lab.network.tensor import Builder
from tests.blocks.applying import apply


@pytest.mark.parametrize(
    ("kind", "layers"),
    [
        ("projection", ["conv1", "norm1"]),
        ("project_all", ["conv1", "norm1"]),
        ("pad", ["subsample1", "pad_channels1"]),
        ("avgpool", ["avg_pool1", "conv1", "norm1"]),
    ],
)
@pytest.mark.parametrize("size", [8, 7])
def test_a_kind_changes_the_shape_by_its_layers(kind, layers, size):
    y = Shortcut(6, 2, kind)(Builder().input((4, size, size)))
    assert y.shape == (6, 4, 4)
    assert list(y.builder.nodes)[1:] == [f"shortcut.{layer}" for layer in layers]
    assert sum(node.trained for node in y.builder.nodes.values()) == (0 if kind == "pad" else 4 * 6 + 2 * 6)


def test_norm_and_bias_of_a_projection_can_be_chosen():
    y = Shortcut(6, 2, "projection", norm=False, bias=True)(Builder().input((4, 8, 8)))
    assert list(y.builder.nodes)[1:] == ["shortcut.conv1"]
    assert y.node.trained == 4 * 6 + 6


def test_an_identity_shortcut_costs_nothing_and_option_c_projects_anyway():
    assert (
        apply("basic", 64, kind="projection").builder.nodes.keys()
        == apply("basic", 64, kind="pad").builder.nodes.keys()
    )
    names = apply("basic", 64, kind="project_all").builder.nodes
    assert "shortcut.conv1" in names
