"""Fully connected layers: parameters and multiply-adds."""

from resnet_lab.ops import dense


def test_parameters_and_multiply_adds(image):
    y = dense(image(6, 7, 5), 3)
    assert y.shape == (3,)
    assert y.node.macs == 3 * 6 * 7 * 5
    assert y.node.trained == 3 * 6 * 7 * 5 + 3
    assert dense(image(6, 7, 5), 3, bias=False).node.trained == 3 * 6 * 7 * 5
