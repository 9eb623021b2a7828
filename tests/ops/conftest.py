"""What the ops' tests share: an image to apply an op to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from resnet_lab.network.tensor import Builder, Tensor


def make_image(*shape: int) -> Tensor:
    return Builder().input(shape)


@pytest.fixture(scope="session")
def image() -> Callable[..., Tensor]:
    """A function that returns the input of a new network: `image(3, 8, 8)`."""
    return make_image
