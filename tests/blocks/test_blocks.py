"""The block registry and the built-in blocks."""

import pytest

from resnet_lab import block
from resnet_lab.base.registry import OptionError
from resnet_lab.blocks.registry import BLOCKS
from resnet_lab.blocks.shortcuts import Shortcut
from resnet_lab.network.graph import GraphError
from resnet_lab.network.tensor import Builder, Tensor
from resnet_lab.ops import conv


def apply(name: str, channels: int, stride: int = 1, kind: str = "projection", shape=(64, 56, 56), **options) -> Tensor:
    entry = BLOCKS.get(name)
    x = Builder().input(shape)
    return entry(x, channels, stride, Shortcut(channels * entry.expansion, stride, kind), **entry.check(options))


@pytest.mark.parametrize("name", list(BLOCKS.entries))
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", ["projection", "pad", "project_all", "avgpool"])
def test_every_block_keeps_its_promise(name, stride, kind):
    y = apply(name, 96, stride, kind)
    assert y.shape == (96 * BLOCKS.get(name).expansion, 56 // stride, 56 // stride)


def test_options_are_checked_by_name_and_by_type():
    bottleneck = BLOCKS.get("bottleneck")
    assert list(bottleneck.options) == ["stride_on", "conv_bias", "groups", "base_width", "se", "se_layer"]
    with pytest.raises(
        OptionError, match="unknown option of block 'bottleneck': 'stride_in'; did you mean 'stride_on'?"
    ):
        bottleneck.check({"stride_in": "3x3"})
    with pytest.raises(OptionError, match="'stride_on' of block 'bottleneck' is '2x2': it should be '1x1' or '3x3'"):
        bottleneck.check({"stride_on": "2x2"})
    with pytest.raises(OptionError, match="'conv_bias' of block 'basic' is 'yes': it should be a valid boolean"):
        BLOCKS.get("basic").check({"conv_bias": "yes"})


def test_a_block_that_breaks_its_promise_is_named():
    @block("liar")
    def liar(x, channels, stride, shortcut):
        return conv(x, channels + 1, 3, stride)

    with pytest.raises(
        GraphError, match=r"block 'liar' \(.*test_blocks.py:\d+\) made 33x28x28 of 64x56x56.*demand 32x28x28"
    ):
        apply("liar", 32, 2)

    @block("silent")
    def silent(x, channels, stride, shortcut): ...

    with pytest.raises(GraphError, match="returned None instead of a tensor"):
        apply("silent", 32)


def test_an_identity_shortcut_costs_nothing_and_option_c_projects_anyway():
    assert (
        apply("basic", 64, kind="projection").builder.nodes.keys()
        == apply("basic", 64, kind="pad").builder.nodes.keys()
    )
    names = apply("basic", 64, kind="project_all").builder.nodes
    assert "shortcut.conv1" in names


def test_pre_activation_projects_the_activated_input_without_norm():
    nodes = apply("preact_basic", 128, 2).builder.nodes
    assert nodes["shortcut.conv1"].inputs == ("relu1",)
    assert "shortcut.norm1" not in nodes
    assert apply("preact_basic", 128, 2, project="input").builder.nodes["shortcut.conv1"].inputs == ("input",)
    assert apply("preact_basic", 64, identity="activated").node.inputs == ("conv2", "relu1")


def test_stride_sits_where_it_is_put():
    first = apply("bottleneck", 64, 2, stride_on="1x1").builder.nodes
    later = apply("bottleneck", 64, 2, stride_on="3x3").builder.nodes
    assert [first[f"conv{n}"].attrs["stride"] for n in (1, 2, 3)] == [2, 1, 1]
    assert [later[f"conv{n}"].attrs["stride"] for n in (1, 2, 3)] == [1, 2, 1]


def test_bias_sits_where_it_is_put():
    biased = [apply("bottleneck", 64, conv_bias=value).builder.nodes for value in (False, "1x1", True)]
    assert [[nodes[f"conv{n}"].attrs["bias"] for n in (1, 2, 3)] for nodes in biased] == [
        [False] * 3,
        [True, False, True],
        [True] * 3,
    ]
