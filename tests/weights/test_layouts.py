"""Layouts: each name once, for every parameter; test_match.py and test_zoo.py hold them against the libraries."""

import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.weights.layouts import gluon_layout, layout, layouts


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("resnet18", ["Gluon-CV", "Gluon-CV v1b", "torchvision"]),
        ("resnet18_v2", ["Gluon-CV"]),
        ("se_resnet18_v1", ["Gluon-CV", "Gluon-CV v1b", "torchvision"]),
    ],
)
def test_every_parameter_has_a_name_of_its_own(name, known):
    graph = rl.graph(name)
    assert [found.name for found in layouts(graph)] == known
    for found in layouts(graph):
        assert list(found.arrays) == list(graph.parameters)
        assert len(set(found.arrays.values())) == len(found.arrays)


def test_a_library_without_such_a_network_says_so():
    with pytest.raises(LabError, match="torchvision has no network built like this one: it has no name for"):
        layout("torchvision", rl.graph("resnet18_v2"))


@pytest.mark.parametrize(("name", "first"), [("resnet50_v1b", "conv1"), ("resnet50_v1", "features.0")])
def test_gluons_two_ways_to_name(name, first):
    assert gluon_layout(name, rl.graph(name)).layers["stem.conv1"] == first
