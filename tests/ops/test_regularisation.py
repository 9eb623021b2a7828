"""Regularisation keeps the shape and has no parameters."""

import pytest

from resnet_lab.ops import drop_path, dropout


@pytest.mark.parametrize("op", [dropout, drop_path])
def test_the_shape_stays_and_the_rate_is_kept(image, op):
    y = op(image(3, 5, 4), 0.25)
    assert (y.shape, y.node.trained, y.node.attrs) == ((3, 5, 4), 0, {"rate": 0.25})
