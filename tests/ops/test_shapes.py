"""Ops that change channels and positions: shapes."""

import pytest

from resnet_lab.network.graph import GraphError
from resnet_lab.ops import concat, conv, pad_channels, subsample


def test_shapes(image):
    x = image(6, 7, 5)
    assert pad_channels(x, 9).shape == (9, 7, 5)
    assert subsample(x, 2).shape == (6, 4, 3)
    assert concat(x, conv(x, 2, 1)).shape == (8, 7, 5)


def test_the_odd_channel_of_zeros_comes_after(image):
    node = pad_channels(image(3, 4, 4), 8).node
    assert (node.attrs["before"], node.attrs["after"]) == (2, 3)


def test_maps_of_other_sizes_are_not_stacked(image):
    x = image(6, 7, 5)
    with pytest.raises(GraphError, match=r"concat1: cannot stack 6x7x5 \(from input\) and 6x4x3 \(from subsample1\)"):
        concat(x, subsample(x, 2))
