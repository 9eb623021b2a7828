"""From names of others to ours: by a layout, by structure alone, and misfits told."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.network.initial import initial
from resnet_lab.weights.export import write
from resnet_lab.weights.layouts import layout, layouts
from resnet_lab.weights.match import match


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
    with pytest.raises(LabError, match="the names of shortcuts differ"):
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
    with pytest.raises(LabError, match="features.0.beta is not 0 everywhere"):
        match(graph, theirs)


def akamaster(graph, arrays):
    """As akamaster/pytorch_resnet_cifar10 names a net's arrays."""
    names = {}
    for node in graph.nodes:
        part = {"stem.conv1": "conv1", "stem.norm1": "bn1", "head.dense1": "linear"}.get(node.name)
        if node.params and part is None:
            stage, block, layer = node.name.split(".")
            part = f"layer{stage[5:]}.{int(block[5:]) - 1}.{layer.replace('norm', 'bn')}"
        for key in node.params:
            names[f"{part}.{'weight' if key == 'scale' else key}"] = arrays[f"{node.name}.{key}"]
    return names


@pytest.mark.parametrize("depth", [56, 110])
def test_names_that_are_sorted_as_text_are_put_in_order(depth):
    """layer1.10 comes before layer1.2 there, and every block of a stage has the same shapes."""
    graph, arrays = graph_and_arrays(f"cifar_resnet{depth}", 32)
    theirs = akamaster(graph, arrays)
    found = match(graph, {name: theirs[name] for name in sorted(theirs)})
    assert found.how == "the structure"
    assert same(found.arrays, arrays)


def test_names_that_do_not_count_up_are_refused():
    graph, arrays = graph_and_arrays("cifar_resnet20", 32)
    theirs = {}
    for name, value in akamaster(graph, arrays).items():  # the second and third block of a stage change names
        theirs[name.replace("layer1.1.", "layer1.x.").replace("layer1.2.", "layer1.1.").replace("x", "2")] = value
    found = match(graph, dict(sorted(theirs.items())))
    assert np.array_equal(found.arrays["stage1.block2.conv1.weight"], theirs["layer1.1.conv1.weight"])
    words = {name.replace("layer1.1.", "layer9.1."): value for name, value in theirs.items()}
    with pytest.raises(LabError, match="do not fit the network"):
        match(graph, words)


def test_legacy_names_of_gluon_and_its_neutral_parameters():
    """`resnetv20_batchnorm0_gamma` and the rest, as HybridBlock.export has them, also with `moving_mean`."""
    graph, arrays = graph_and_arrays("resnet18_v2")
    theirs, counts = {}, {}
    for node in (node for node in graph.nodes if node.params):
        kind = {"norm": "batchnorm"}.get(node.op, node.op)
        number = counts[kind] = counts.get(kind, -1) + 1
        values = {key: arrays[f"{node.name}.{key}"] for key in node.params}
        if node.name == "stem.norm1":
            values |= {"scale": np.ones(3, np.float32), "bias": np.zeros(3, np.float32)}
        for key, value in values.items():
            suffix = {"scale": "gamma", "running_mean": "moving_mean", "running_var": "moving_var"}.get(key, key)
            suffix = "beta" if node.op == "norm" and key == "bias" else suffix
            theirs[f"resnetv20_{kind}{number}_{suffix}"] = value
    assert same(match(graph, theirs).arrays, arrays)
    theirs["resnetv20_batchnorm0_gamma"] = np.full(3, 2, np.float32)
    with pytest.raises(LabError, match="do not fit"):
        match(graph, theirs)


def test_a_backbone_without_its_head_fits_where_the_head_is_skipped():
    graph, arrays = graph_and_arrays("resnet18")
    for theirs in (arrays, write.renamed(layout("torchvision", graph), arrays), renamed(graph, arrays, lambda node: 0)):
        body = {name: value for name, value in theirs.items() if value.shape not in ((1000, 512), (1000,))}
        found = match(graph, body, skip=["head.dense1"])
        assert same(found.arrays, {name: value for name, value in arrays.items() if not name.startswith("head")})
        with pytest.raises(LabError):
            match(graph, body)


def test_an_array_of_no_layer_is_named():
    graph = rl.graph("resnet18")
    with pytest.raises(LabError, match="'pos_embed' does not belong to a convolution, a norm or a dense layer"):
        match(graph, {"pos_embed": np.zeros(3, np.float32)})
