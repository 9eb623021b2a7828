"""The sliding window: padding and places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_lab.network.graph import GraphError
from resnet_lab.network.window import check_pool_padding, slide


@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3), st.booleans())
def test_places_are_those_that_one_can_count(size, kernel, stride, padding, dilation, ceil):
    reach = dilation * (kernel - 1) + 1
    places = len(range(0, size + 2 * padding - reach + 1, stride))
    if places == 0:
        with pytest.raises(GraphError, match="nothing is left"):
            slide((1, size, size), kernel, stride, padding, dilation)
        return
    assert slide((1, size, size), kernel, stride, padding, dilation)[2] == (places, places)
    hangs = (places - 1) * stride + reach < size + 2 * padding
    assert slide((1, size, size), kernel, stride, padding, dilation, ceil)[2][0] == places + (ceil and hangs)


def test_padding_without_a_word_keeps_the_grid():
    assert slide((1, 9, 9), 3, 2, None)[1] == (1, 1)
    assert slide((1, 9, 9), (1, 5), 1, None, 2)[1] == (0, 4)
    assert slide((1, 8, 8), 4, 4, None)[1] == (0, 0)
    with pytest.raises(GraphError, match="the even kernel 2 at stride 1 shifts the grid by half a pixel"):
        slide((1, 8, 8), 2, 1, None)


def test_no_window_of_a_pool_lies_on_padding_only():
    check_pool_padding((3, 3), (1, 1))
    with pytest.raises(GraphError, match="padding 2x2 is more than half the kernel 3x3"):
        check_pool_padding((3, 3), (2, 2))
