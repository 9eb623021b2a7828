"""Convolutions: shapes, parameters and multiply-adds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_lab.network.graph import GraphError
from resnet_lab.network.tensor import Builder
from resnet_lab.ops import conv


@given(st.integers(1, 30), st.sampled_from([1, 3, 5, 7]), st.integers(1, 4), st.integers(1, 2))
def test_default_padding_divides_the_size_by_the_stride_rounding_up(size, kernel, stride, dilation):
    y = conv(Builder().input((2, size, size)), 4, kernel, stride, dilation=dilation)
    assert y.shape == (4, -(-size // stride), -(-size // stride))


@given(st.integers(1, 20), st.integers(1, 6), st.integers(1, 5), st.integers(0, 3), st.integers(1, 3))
def test_a_window_gives_as_many_outputs_as_there_are_places_for_it(size, kernel, stride, padding, dilation):
    reach = dilation * (kernel - 1) + 1
    places = len(range(0, size + 2 * padding - reach + 1, stride))
    x = Builder().input((1, size, size))
    if places == 0:
        with pytest.raises(GraphError, match="conv1: nothing is left"):
            conv(x, 1, kernel, stride, padding=padding, dilation=dilation)
    else:
        assert conv(x, 1, kernel, stride, padding=padding, dilation=dilation).shape == (1, places, places)


@given(st.integers(2, 12), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_parameters_and_multiply_adds(size, groups, times, bias):
    y = conv(Builder().input((groups * 2, size, size)), groups * times, 3, groups=groups, bias=bias)
    weights = groups * times * 2 * 9
    assert y.node.trained == weights + (groups * times if bias else 0)
    assert y.node.macs == weights * size * size


@pytest.mark.parametrize(("kernel", "stride"), [(2, 1), (4, 1), (4, 2), (6, 2), ((1, 4), 1)])
def test_an_even_kernel_that_shifts_the_grid_is_refused(image, kernel, stride):
    with pytest.raises(GraphError, match="conv1: the even kernel . at stride . shifts the grid"):
        conv(image(3, 8, 8), 4, kernel, stride)


def test_windows_that_tile_the_map_and_stated_padding_are_fine(image):
    assert conv(image(3, 8, 8), 4, 4, 4).shape == (4, 2, 2)
    assert conv(image(3, 8, 8), 4, 4, 2, padding=1).shape == (4, 4, 4)
    assert conv(image(3, 8, 9), 4, (1, 3)).shape == (4, 8, 9)
