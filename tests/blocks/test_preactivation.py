"""The pre-activation blocks: what the shortcut takes, and dropout."""

from tests.blocks.applying import apply


def test_pre_activation_projects_the_activated_input_without_norm():
    nodes = apply("preact_basic", 128, 2).builder.nodes
    assert nodes["shortcut.conv1"].inputs == ("relu1",)
    assert "shortcut.norm1" not in nodes
    assert apply("preact_basic", 128, 2, project="input").builder.nodes["shortcut.conv1"].inputs == ("input",)
    assert apply("preact_basic", 64, identity="activated").node.inputs == ("conv2", "relu1")


def test_dropout_is_between_the_convolutions():
    nodes = list(apply("preact_basic", 64, dropout_rate=0.3).builder.nodes)
    assert nodes.index("conv1") < nodes.index("dropout1") < nodes.index("conv2")
    assert "dropout1" not in apply("preact_basic", 64).builder.nodes


def test_the_bottleneck_activates_before_each_convolution():
    nodes = apply("preact_bottleneck", 16).builder.nodes
    for number in (1, 2, 3):
        assert nodes[f"conv{number}"].inputs == (f"relu{number}",)
