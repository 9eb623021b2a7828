"""The block registry: options, and what every block has to return."""

import pytest

from resnet_lab import block
from resnet_lab.base.registry import OptionError
from resnet_lab.blocks.registry import BLOCKS
from resnet_lab.network.graph import GraphError
from resnet_lab.ops import conv
from tests.blocks.applying import apply


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
        GraphError, match=r"block 'liar' \(.*test_registry.py:\d+\) made 33x28x28 of 64x56x56.*demand 32x28x28"
    ):
        apply("liar", 32, 2)

    @block("silent")
    def silent(x, channels, stride, shortcut): ...

    with pytest.raises(GraphError, match="returned None instead of a tensor"):
        apply("silent", 32)
