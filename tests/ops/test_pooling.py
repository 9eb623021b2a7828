"""Pooling: shapes."""

import pytest

from resnet_lab.network.graph import GraphError
from resnet_lab.ops import avg_pool, global_avg_pool, max_pool


@pytest.mark.parametrize(("kernel", "stride"), [(2, 1), (4, 1), (4, 2), (6, 2), ((1, 4), 1)])
@pytest.mark.parametrize("op", [max_pool, avg_pool])
def test_an_even_kernel_that_shifts_the_grid_is_refused(image, op, kernel, stride):
    with pytest.raises(GraphError, match="1: the even kernel . at stride . shifts the grid"):
        op(image(3, 8, 8), kernel, stride)


def test_windows_that_tile_the_map_are_fine(image):
    assert max_pool(image(3, 8, 8), 2, 2).shape == (3, 4, 4)


def test_ceil_lets_the_last_window_reach_beyond_the_map(image):
    assert avg_pool(image(3, 7, 7), 2, 2).shape == (3, 3, 3)
    assert avg_pool(image(3, 7, 7), 2, 2, ceil=True).shape == (3, 4, 4)


def test_the_global_pool_keeps_the_channels(image):
    assert global_avg_pool(image(3, 7, 5)).shape == (3, 1, 1)
