"""From names of others to ours: by a layout, by structure alone, and misfits told."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.exchange import write
from resnet_lab.exchange.layouts import layout, layouts
from resnet_lab.exchange.match import match
from resnet_lab.weights import initial


def graph_and_arrays(name, size=64):
    """A network and arrays of which no two are alike."""
    graph = rl.graph(name, input=(3, size, size))
    rng = np.random.default_rng(0)
    return graph, {key: rng.random(array.shape, np.float32) for key, array in initial(graph, 0).items()}


def same(found, arrays):
    return found.keys() == arrays.keys() and all(np.array_equal(found[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize("name", ["resnet18", "resnet50_v1d", "se_resnext50_32x4d", "resnet50_v2", "cifar_resnet20_v1"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_a_layouts_names_in_any_order(name, shuffled):
    graph, arrays = graph_and_arrays(name)
    for known in layouts(graph):
        theirs = write.renamed(known, arrays)
        names = sorted(theirs, reverse=True) if shuffled else list(theirs)
        found = match(graph, {key: theirs[key] for key in names})
        assert found.how == f"the names of {known.name}"
        assert same(found.arrays, arrays)


def test_torchvisions_names():
    names = layout("torchvision", rl.graph("resnet50_v1b")).arrays
    assert names["stem.conv1.weight"] == "conv1.weight"
    assert names["stem.norm1.scale"] == "bn1.weight"
    assert names["stage3.block2.conv3.weight"] == "layer3.1.conv3.weight"
    assert names["stage2.block1.shortcut.norm1.running_var"] == "layer2.0.downsample.1.running_var"
    assert names["head.dense1.bias"] == "fc.bias"
    assert layout("torchvision", rl.graph("resnet50_v1d")).layers["stem.conv3"] == "conv1.6"


def renamed(graph, arrays, order):
    """As some re-implementation names it: blocks through all stages, the nodes of each in an order of its own."""
    names = {}
    for count, node in enumerate(sorted((node for node in graph.nodes if node.params), key=order)):
        kind = "shortcut" if ".shortcut." in node.name else "part"
        for key in node.params:
            suffix = "weight" if node.op == "norm" and key == "scale" else key
            names[f"body.{count}.{kind}.{suffix}"] = arrays[f"{node.name}.{key}"]
    return names


@pytest.mark.parametrize("name", ["cifar_resnet20_v1", "resnet50_v1b", "resnet18_v2"])
def test_by_structure_with_shortcuts_first_or_last(name):
    graph, arrays = graph_and_arrays(name)
    place = {node.name: index for index, node in enumerate(graph.nodes)}
    for first in (False, True):

        def order(node, first=first):
            block = ".".join(node.name.split(".")[:2]) if ".block" in node.name else node.name
            start = min(place[other] for other in place if other.startswith(block))
            return start, (".shortcut." not in node.name) == first, place[node.name]

        found = match(graph, renamed(graph, arrays, order))
        assert found.how == "the structure"
        assert same(found.arrays, arrays)


def test_a_shortcut_that_the_names_deny_is_no_match():
    graph, arrays = graph_and_arrays("resnet18")
    theirs, swapped = {}, {"part": "shortcut", "shortcut": "part"}
    for name, value in renamed(graph, arrays, lambda node: 0).items():
        body, count, kind, suffix = name.split(".")
        theirs[f"{body}.{count}.{swapped[kind]}.{suffix}"] = value
    with pytest.raises(LabError, match="by which shortcuts are known"):
        match(graph, theirs)


def test_misfits_are_told_shortly():
    graph, arrays = graph_and_arrays("resnet18")
    theirs = write.renamed(layout("torchvision", graph), arrays)
    wrong = {name: value for name, value in theirs.items() if name != "bn1.bias"}
    wrong |= {"fc.weight": np.zeros((10, 512), np.float32), "extra.weight": np.zeros(3, np.float32)}
    with pytest.raises(LabError, match="missing bn1.bias; left over extra.weight; fc.weight is 10x512, not 1000x512"):
        match(graph, wrong)
    with pytest.raises(LabError, match="20 convolution layers, the network 36; body.10.part's weight is 128x64x3x3"):
        match(rl.graph("resnet34"), renamed(graph, arrays, lambda node: 0))


def test_what_gluons_norms_ignore_must_be_neutral():
    graph, arrays = graph_and_arrays("resnet18_v2")
    theirs = write.renamed(layout("Gluon-CV", graph), arrays)
    assert theirs["features.0.gamma"].tolist() == [1, 1, 1]
    theirs["features.0.beta"] = np.array([0, 0.5, 0], np.float32)
    with pytest.raises(LabError, match="features.0.beta is not 0 throughout"):
        match(graph, theirs)
