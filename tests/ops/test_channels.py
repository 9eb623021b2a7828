"""Ops across the channels: shapes, parameters and multiply-adds."""

import pytest

from resnet_lab.network.graph import GraphError
from resnet_lab.ops import channel_conv, channel_max, channel_mean, dense, global_avg_pool, softmax


@pytest.mark.parametrize("op", [channel_mean, channel_max])
def test_one_channel_is_left(image, op):
    assert op(image(6, 7, 5)).shape == (1, 7, 5)
    with pytest.raises(GraphError, match=f"{op.__name__}1: needs a feature map CxHxW, got 4"):
        op(dense(image(6, 7, 5), 4))


def test_softmax_keeps_the_shape_and_takes_each_channel_for_a_part(image):
    y = softmax(image(6, 7, 5))
    assert (y.shape, y.node.attrs, y.node.macs) == ((6, 7, 5), {"parts": 6}, 0)
    assert softmax(dense(image(6, 7, 5), 8), 2).shape == (8,)


@pytest.mark.parametrize("parts", [0, 4])
def test_softmax_needs_equal_parts(image, parts):
    with pytest.raises(GraphError, match=rf"softmax1: cannot make {parts} equal parts of 6 channels \(from input\)"):
        softmax(image(6, 7, 5), parts)


def test_channel_conv_has_one_kernel_for_all_channels(image):
    for x in (global_avg_pool(image(6, 7, 5)), dense(image(6, 7, 5), 6)):
        y = channel_conv(x, 3)
        assert (y.shape, y.node.params["weight"].shape, y.node.macs) == (x.shape, (1, 1, 3), 18)


@pytest.mark.parametrize("kernel", [0, 2, -1])
def test_channel_conv_needs_an_odd_kernel(image, kernel):
    with pytest.raises(GraphError, match=f"channel_conv1: the kernel is an odd number of channels, not {kernel}"):
        channel_conv(global_avg_pool(image(6, 7, 5)), kernel)


def test_channel_conv_needs_a_vector(image):
    with pytest.raises(GraphError, match="channel_conv1: needs a vector C or Cx1x1, got 6x7x5"):
        channel_conv(image(6, 7, 5), 3)
