"""Normalisation: parameters."""

from hypothesis import assume, given
from hypothesis import strategies as st

from resnet_lab.network.tensor import Builder
from resnet_lab.ops import norm


@given(st.integers(1, 3), st.integers(2, 9), st.integers(1, 3))
def test_norms_count_their_scale_and_offset(channels, size, times):
    assume(channels * times < 8)
    x = Builder().input((channels * times, size, size))
    for kind in ("batch", "layer", "group"):
        assert norm(x, kind, groups=channels).node.trained == 2 * channels * times


def test_scale_and_offset_can_be_left_out(image):
    assert norm(image(6, 7, 5), scale=False, center=False).node.trained == 0
