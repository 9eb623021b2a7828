"""The ops' shape rules and counts."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resnet_lab.network.graph import GraphError
from resnet_lab.network.tensor import OPS, Builder, Tensor
from resnet_lab.ops import (
    avg_pool,
    concat,
    conv,
    dense,
    drop_path,
    dropout,
    layer_scale,
    max_pool,
    norm,
    pad_channels,
    subsample,
)


def image(*shape: int) -> Tensor:
    return Builder().input(shape)


@given(st.integers(1, 30), st.sampled_from([1, 3, 5, 7]), st.integers(1, 4), st.integers(1, 2))
def test_default_padding_divides_the_size_by_the_stride_rounding_up(size, kernel, stride, dilation):
    assert conv(image(2, size, size), 4, kernel, stride, dilation=dilation).shape == (
        4,
        -(-size // stride),
        -(-size // stride),
    )


@given(st.integers(1, 20), st.integers(1, 6), st.integers(1, 5), st.integers(0, 3), st.integers(1, 3))
def test_a_window_gives_as_many_outputs_as_there_are_places_for_it(size, kernel, stride, padding, dilation):
    reach = dilation * (kernel - 1) + 1
    places = len(range(0, size + 2 * padding - reach + 1, stride))
    x = image(1, size, size)
    if places == 0:
        with pytest.raises(GraphError, match="conv1: nothing is left"):
            conv(x, 1, kernel, stride, padding=padding, dilation=dilation)
    else:
        assert conv(x, 1, kernel, stride, padding=padding, dilation=dilation).shape == (1, places, places)


@given(st.integers(2, 12), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_conv_counts(size, groups, times, bias):
    y = conv(image(groups * 2, size, size), groups * times, 3, groups=groups, bias=bias)
    weights = groups * times * 2 * 9
    assert y.node.trained == weights + (groups * times if bias else 0)
    assert y.node.macs == weights * size * size


@pytest.mark.parametrize(("kernel", "stride"), [(2, 1), (4, 1), (4, 2), (6, 2), ((1, 4), 1)])
@pytest.mark.parametrize("op", [max_pool, avg_pool])
def test_an_even_kernel_that_shifts_the_grid_is_refused(op, kernel, stride):
    with pytest.raises(GraphError, match="1: the even kernel . at stride . shifts the grid"):
        op(image(3, 8, 8), kernel, stride)
    with pytest.raises(GraphError, match="conv1: the even kernel . at stride . shifts the grid"):
        conv(image(3, 8, 8), 4, kernel, stride)


def test_windows_that_tile_the_map_and_stated_padding_are_fine():
    assert conv(image(3, 8, 8), 4, 4, 4).shape == (4, 2, 2)
    assert max_pool(image(3, 8, 8), 2, 2).shape == (3, 4, 4)
    assert conv(image(3, 8, 8), 4, 4, 2, padding=1).shape == (4, 4, 4)
    assert conv(image(3, 8, 9), 4, (1, 3)).shape == (4, 8, 9)


def test_ceil_lets_the_last_window_hang_over():
    assert avg_pool(image(3, 7, 7), 2, 2).shape == (3, 3, 3)
    assert avg_pool(image(3, 7, 7), 2, 2, ceil=True).shape == (3, 4, 4)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            lambda x: conv(x, 4, 9, padding=0),
            r"conv1: nothing is left: kernel 9x9, stride 1 and padding 0x0 make 3x0x0 of 3x8x8",
        ),
        (lambda x: conv(x, 4, 3, 0), "conv1: kernel 3, stride 0 and dilation 1 must be at least 1"),
        (lambda x: conv(x, 4, 3, padding=-1), "conv1: padding -1 is negative"),
        (lambda x: conv(x, 4, 3, groups=2), "conv1: 2 groups do not divide 3 input and 4 output channels"),
        (lambda x: norm(x, "group", groups=2), "norm1: 2 groups do not divide 3 channels"),
        (lambda x: norm(x, "bach"), "norm1: the kind is batch, layer or group, not 'bach'"),
        (lambda x: norm(dense(x, 4)), "norm1: needs a feature map CxHxW, got 4"),
        (lambda x: dense(x, 0), "dense1: 0 features"),
        (lambda x: pad_channels(x, 2), "pad_channels1: cannot pad 3x8x8 to 2 channels, which are fewer"),
        (lambda x: subsample(x, 0), "subsample1: stride 0 must be at least 1"),
        (lambda x: dropout(x, 1.0), "dropout1: the rate is at least 0 and below 1, not 1.0"),
        (lambda x: drop_path(x, -0.1), "drop_path1: the rate is at least 0 and below 1, not -0.1"),
        (lambda x: max_pool(x, 3, 2, padding=2), "max_pool1: padding 2x2 is more than half the kernel 3x3"),
    ],
)
def test_what_cannot_work_is_refused_with_the_nodes_name(wrong, told):
    with pytest.raises(GraphError, match=told):
        wrong(image(3, 8, 8))


def test_other_shapes():
    x = image(6, 7, 5)
    assert pad_channels(x, 9).shape == (9, 7, 5)
    assert subsample(x, 2).shape == (6, 4, 3)
    assert concat(x, conv(x, 2, 1)).shape == (8, 7, 5)
    assert layer_scale(x).node.trained == 6
    assert dense(x, 3).node.macs == 3 * 6 * 7 * 5
    assert norm(x, scale=False, center=False).node.trained == 0


def test_pad_channels_puts_the_odd_one_behind():
    node = pad_channels(image(3, 4, 4), 8).node
    assert (node.attrs["before"], node.attrs["after"]) == (2, 3)


def test_the_op_set_of_the_design_is_there():
    assert set(OPS) == {
        "conv",
        "norm",
        "relu",
        "relu6",
        "gelu",
        "silu",
        "hard_swish",
        "sigmoid",
        "max_pool",
        "avg_pool",
        "global_avg_pool",
        "dense",
        "add",
        "multiply",
        "concat",
        "pad_channels",
        "subsample",
        "dropout",
        "drop_path",
        "layer_scale",
    }


@given(st.integers(1, 3), st.integers(2, 9), st.integers(1, 3))
def test_norms_count_their_scale_and_offset(channels, size, times):
    assume(channels * times < 8)
    x = image(channels * times, size, size)
    for kind in ("batch", "layer", "group"):
        assert norm(x, kind, groups=channels).node.trained == 2 * channels * times
