"""Ops that change channels and positions: shapes."""

import pytest

from resnet_lab.network.graph import GraphError
from resnet_lab.ops import concat, conv, dense, pad_channels, scope, split, subsample


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


def test_maps_are_joined_along_their_height_or_width(image):
    x = image(6, 7, 5)
    assert concat(x, subsample(x, 1), axis="height").shape == (6, 14, 5)
    assert concat(x, x[:2], axis="channels").node.attrs == {"_sizes": [6, 2]}
    with pytest.raises(GraphError, match="concat3: cannot stack 6x7x5 .* and 6x4x3"):
        concat(x, subsample(x, 2), axis="width")
    with pytest.raises(GraphError, match="concat3: the axis is channels, height or width, not 'depth'"):
        concat(x, x, axis="depth")
    with pytest.raises(GraphError, match="concat3: needs a feature map CxHxW, got 4"):
        concat(dense(x, 4), axis="height")


def test_a_split_is_one_node_and_one_for_each_part(image):
    x = image(6, 7, 5)
    parts = split(x, [1, 3, 2])
    assert [part.shape for part in parts] == [(1, 7, 5), (3, 7, 5), (2, 7, 5)]
    assert list(x.builder.nodes) == ["input", "split1", "split1.part1", "split1.part2", "split1.part3"]
    assert [part.channels for part in split(x, 3)] == [2, 2, 2]
    assert [part.shape for part in split(dense(x, 4), 2)] == [(2,), (2,)]
    assert split(x, 1) == [x]


def test_names_in_a_scope_begin_with_the_scope_once(image):
    x = image(6, 7, 5)
    with scope(x, "block1"):
        assert split(x, 2, name="halves")[1].node.name == "block1.halves.part2"
        assert conv(x, 2, 1).node.name == "block1.conv1"


@pytest.mark.parametrize("channels", [slice(0, 2), slice(2, 4), slice(4, None), slice(-2, None)])
def test_a_slice_takes_channels(image, channels):
    assert image(6, 7, 5)[channels].shape == (2, 7, 5)


def test_a_slice_of_all_channels_is_the_tensor(image):
    x = image(6, 7, 5)
    assert x[:] is x


@pytest.mark.parametrize("channels", [0, slice(0, 6, 2), slice(3, 3), slice(9, None), "a"])
def test_other_indices_are_refused(image, channels):
    with pytest.raises(GraphError, match=r"Tensor\(input, 6x7x5\): channels are taken by a slice such as x\[8:16\]"):
        image(6, 7, 5)[channels]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (4, r"cannot make 4 equal parts of 6 channels \(from input\)"),
        (0, "cannot make 0 equal parts of 6 channels"),
        ([1, 2], r"parts of \[1, 2\] channels do not add up to 6 \(from input\)"),
        ([6, 0], r"parts of \[6, 0\] channels do not add up"),
        ([], r"parts of \[\] channels do not add up"),
        (6 / 2, "parts is 3.0, not a whole number"),
        ([1.5, 4.5], r"parts is \(1.5, 4.5\), not a whole number"),
    ],
)
def test_parts_that_do_not_fit_are_refused(image, parts, message):
    with pytest.raises(GraphError, match="split1: " + message):
        split(image(6, 7, 5), parts)
