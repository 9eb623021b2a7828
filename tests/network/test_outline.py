"""The outline of a network: stages, equal blocks as one part, and the layers of a block in a few boxes."""

import pytest

import resnet_lab as rl
from resnet_lab.network.outline import ENTRY, outline
from resnet_lab.network.tensor import Builder
from resnet_lab.ops import conv, norm, relu
from resnet_lab.specs import workspace


def test_a_bottleneck_network_in_boxes():
    stages = outline(rl.graph("resnet50"))
    assert [stage.name for stage in stages] == ["stem", "stage1", "stage2", "stage3", "stage4", "head"]
    assert [part.name for part in stages[3].parts] == ["block1", "blocks 2 to 6, alike"]
    assert stages[3].output == (1024, 14, 14)
    first, alike = stages[3].parts
    assert [box.lines for box in first.boxes] == [
        ("conv 1\u00d71, 256, /2", "norm · relu"),
        ("conv 3\u00d73, 256", "norm · relu"),
        ("conv 1\u00d71, 1024", "norm"),
        ("conv 1\u00d71, 1024, /2", "norm"),
        ("+", "relu"),
    ]
    assert (first.boxes[-1].kind, first.boxes[-1].inputs) == ("sum", (2, 3))
    assert alike.boxes[-1].inputs == (2, ENTRY)


@pytest.mark.parametrize("name", sorted(workspace.names("variants")))
def test_nothing_of_a_network_is_lost(name):
    graph = rl.graph(name)
    stages = outline(graph)
    assert sum(stage.params for stage in stages) == graph.params
    assert stages[-1].output == graph.output
    for part in (part for stage in stages for part in stage.parts):
        used = {source for box in part.boxes for source in box.inputs}
        assert used | {len(part.boxes) - 1} >= set(range(len(part.boxes))) | {ENTRY}


def test_a_norm_that_two_layers_use_has_a_box_of_its_own():
    builder = Builder()
    x = norm(conv(builder.input((3, 8, 8)), 4, 3))
    y = relu(x)
    [stage] = outline(builder.finish(conv(y, 4, 3) + conv(y, 4, 1)))
    [part] = stage.parts
    assert part.boxes[0].lines == ("conv 3\u00d73, 4", "norm · relu")
    assert [box.inputs for box in part.boxes] == [(ENTRY,), (0,), (0,), (1, 2)]


def test_a_layer_says_its_window_stride_groups_and_dilation():
    builder = Builder()
    x = conv(builder.input((4, 16, 16)), 8, 3, 2, groups=4)
    [stage] = outline(builder.finish(conv(x, 8, 3, dilation=2)))
    assert [box.lines[0] for box in stage.parts[0].boxes] == [
        "conv 3\u00d73, 8, /2, 4 groups",
        "conv 3\u00d73, 8, dilation 2",
    ]
