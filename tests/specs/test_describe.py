"""What `describe` states of a variant or of one block."""

from dataclasses import replace

import pytest

from resnet_lab import LabError
from resnet_lab.network.graph import Graph, Node
from resnet_lab.specs import describe


def test_a_variant_in_numbers():
    described = describe.variant("resnet18", "3x64x64", 10)
    facts = describe.as_json(described)
    assert (facts["variant"], facts["input"], facts["output"], facts["depth"]) == ("resnet18", [3, 64, 64], [10], 18)
    assert facts["params"] == sum(layer["params"] for layer in facts["layers"])
    assert facts["macs"] == sum(layer["macs"] for layer in facts["layers"])


def test_groups_are_the_stages_and_sum_up():
    graph = describe.variant("resnet18").graph
    groups = describe.groups(graph)
    assert [group.name for group in groups] == ["stem", "stage1", "stage2", "stage3", "stage4", "head"]
    assert sum(group.params for group in groups) == graph.params
    assert describe.shapes_text(groups[0]) == "64x112x112, 64x56x56"
    assert describe.shapes_text(groups[1]) == "64x56x56"


def test_one_block_alone():
    described = describe.block("bottleneck", "256x56x56", 128, 2, "projection", ["stride_on=3x3"])
    assert described.graph.output == (512, 28, 28)
    assert "shortcut.conv1" in {node.name for node in described.graph.nodes}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("botleneck", "8x8x8", 8, 1, "projection", []), "did you mean 'bottleneck'.*; a block of your own needs"),
        (("basic", "8x8x8", 8, 1, "projectoin", []), "unknown shortcut 'projectoin'; did you mean 'projection'?"),
        (("basic", "8x8", 8, 1, "projection", []), "--input: an input is written CxHxW"),
        (("basic", "8x8x8", 8, 1, "projection", ["si=3"]), "unknown option of block 'basic': 'si'; did you mean 'se'?"),
    ],
)
def test_a_wrong_block_is_refused(arguments, message):
    with pytest.raises(LabError, match=message):
        describe.block(*arguments)


def test_ratios_to_a_baseline():
    small, large = describe.variant("resnet18"), describe.variant("resnet18", overrides=["head.classes=2000"])
    found = describe.ratios(large, small)
    assert found["params"] == large.graph.params / small.graph.params > 1
    assert found["layers"] == 1
    assert describe.ratios(replace(large, graph=UNKNOWN), small) == {"params": 0, "macs": None, "layers": 1 / 68}
    assert describe.ratios(small, replace(large, graph=UNKNOWN))["params"] is None


UNKNOWN = Graph((Node("input", "input", (), (1, 2, 2)), Node("own", "opaque", ("input",), (1, 2, 2), macs=None)))
