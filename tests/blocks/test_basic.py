"""The basic block: its layers, with a shortcut and without."""

from tests.blocks.applying import apply


def test_two_convolutions_and_a_sum():
    y = apply("basic", 64)
    assert list(y.builder.nodes)[1:] == ["conv1", "norm1", "relu1", "conv2", "norm2", "add1", "relu2"]
    assert y.builder.nodes["add1"].inputs == ("norm2", "input")


def test_the_plain_block_has_no_shortcut():
    assert list(apply("plain_basic", 64).builder.nodes)[1:] == ["conv1", "norm1", "relu1", "conv2", "norm2", "relu2"]


def test_the_gate_comes_before_the_sum():
    nodes = apply("basic", 64, se=16).builder.nodes
    assert nodes["add1"].inputs == ("multiply1", "input")
