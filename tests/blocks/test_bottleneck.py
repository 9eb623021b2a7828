"""The bottleneck block: where stride, bias and groups are."""

from tests.blocks.applying import apply


def test_stride_sits_where_it_is_put():
    first = apply("bottleneck", 64, 2, stride_on="1x1").builder.nodes
    later = apply("bottleneck", 64, 2, stride_on="3x3").builder.nodes
    assert [first[f"conv{n}"].attrs["stride"] for n in (1, 2, 3)] == [2, 1, 1]
    assert [later[f"conv{n}"].attrs["stride"] for n in (1, 2, 3)] == [1, 2, 1]


def test_bias_sits_where_it_is_put():
    biased = [apply("bottleneck", 64, conv_bias=value).builder.nodes for value in (False, "1x1", True)]
    assert [[nodes[f"conv{n}"].attrs["bias"] for n in (1, 2, 3)] for nodes in biased] == [
        [False] * 3,
        [True, False, True],
        [True] * 3,
    ]


def test_the_second_convolution_can_be_that_of_resnext():
    nodes = apply("bottleneck", 128, groups=32, base_width=4).builder.nodes
    assert [nodes[f"conv{n}"].output[0] for n in (1, 2, 3)] == [256, 256, 512]
    assert nodes["conv2"].attrs["groups"] == 32


def test_the_plain_block_has_no_shortcut():
    assert "add1" in apply("bottleneck", 16).builder.nodes
    assert "add1" not in apply("plain_bottleneck", 16).builder.nodes
