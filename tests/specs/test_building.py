"""Networks of specs: every error stands where the spec asks for the layer."""

import pytest

import resnet_lab as rl
from resnet_lab import LabError, block
from resnet_lab.ops import conv
from tests.specs.writing import BLOCK, write

TUTORIAL = '''
from resnet_lab import block
from resnet_lab.ops import conv, norm, relu


@block("tutorial_basic")
def tutorial_basic(x, channels, stride, shortcut):
    """The block of a published tutorial, with its mistake."""
    y = norm(conv(relu(norm(conv(x, channels, 3, stride))), channels, 3))
    way = x if stride == 1 else conv(x, channels, 1, stride, padding=1)
    return relu(y + way)
'''


def test_the_tutorials_mistake_is_refused_before_anything_is_built(workspace, lab):
    (workspace / "variants" / "tutorial.py").write_text(TUTORIAL.lstrip())
    write(
        workspace,
        "tutorial18.yaml",
        """
        blocks: [tutorial.py]
        stem: {type: imagenet, channels: 64}
        stages:
          - {block: tutorial_basic, repeat: 2, channels: 64}
          - {block: tutorial_basic, repeat: 2, channels: 128, stride: 2}
        head: {classes: 1000}
        """,
    )
    done = lab("describe", "tutorial18")
    assert done.returncode == 2
    assert done.stderr.startswith("resnet-lab: variants/tutorial18.yaml:5: stage2.block1.add1: cannot add 128x28x28 ")
    assert "128x29x29" in done.stderr
    assert "block 'tutorial_basic'" in done.stderr
    assert "tutorial.py:10" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_in_a_persons_block_names_the_blocks_line(workspace):
    (workspace / "variants" / "bad.py").write_text(
        "from resnet_lab import block\n\n\n"
        "@block('bad')\ndef bad(x, channels, stride, shortcut):\n    return x.nothing\n"
    )
    write(workspace, "bad18.yaml", "extends: resnet18\nblocks: [bad.py]\nevery_stage: {block: bad, conv_bias: null}\n")
    with pytest.raises(LabError, match=r"bad.py:6: block 'bad' fails: AttributeError.*; .* 'resnet-lab list ops'"):
        rl.graph("bad18")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("shortcut(x))", "shortcut)", "affine1: offset is a function, not a finite number: call it, as in shortcut"),
        (
            "relu(norm(conv(x, channels, 3, stride)) + shortcut(x))",
            "concat([x, x])",
            "block 'mine' fails: TypeError: concat takes the tensors themselves",
        ),
        ('@block("mine")', "@block", r'mine.py:5: @block needs the name that specs use: write @block\("mine"\)'),
        (
            '@block("mine")',
            "",
            r"a.yaml:3: unknown block 'mine' .*\(mine.py\) do not register it: is @block\(\"mine\"\) miss",
        ),
        (", shortcut)", ", shortcut, *, k: int)", "a.yaml:3: block 'mine' needs the option 'k', which has no default"),
    ],
)
def test_a_slip_in_a_block_is_named(workspace, before, after, message):
    """A shortcut that is not called, a list of tensors, a decorator without a name, no decorator, a missing option."""
    code = BLOCK.format(options="").lstrip().replace("conv, norm, relu", "concat, conv, norm, relu")
    assert before in code
    (workspace / "variants" / "mine.py").write_text(code.replace(before, after))
    write(workspace, "a.yaml", "extends: resnet18\nblocks: [mine.py]\nevery_stage: {block: mine}\n")
    with pytest.raises(LabError, match=message):
        rl.graph("a")


def test_an_input_too_small_for_the_spec_is_told_at_the_stage(workspace):
    write(
        workspace,
        "a.yaml",
        "extends: resnet18\nstages: {4: {block: narrow}}\nblocks: [narrow.py]\nevery_stage: {conv_bias: null}\n",
    )
    (workspace / "variants" / "narrow.py").write_text(
        "from resnet_lab import block\nfrom resnet_lab.ops import conv\n\n\n@block('narrow')\n"
        "def narrow(x, channels, stride, shortcut):\n    return conv(x, channels, 3, stride, padding=0)\n"
    )
    with pytest.raises(LabError, match=r"a.yaml:2: stage4.block1.conv1: nothing is left: .* make 256x0x0 of 256x2x2"):
        rl.graph("a", input=(3, 32, 32))


def test_a_fraction_of_channels_is_refused(workspace):
    (workspace / "variants" / "mine.py").write_text(BLOCK.format(options="").replace("channels, 3", "channels / 2, 3"))
    write(workspace, "a.yaml", "extends: resnet18\nblocks: [mine.py]\nevery_stage: {block: mine}\n")
    with pytest.raises(LabError, match=r"a.yaml:3: stage1.block1.conv1: channels is 32.0, not a whole number"):
        rl.graph("a")


def test_an_unused_layer_is_told_at_the_stage_whose_block_made_it(workspace):
    @block("wasteful")
    def wasteful(x, channels, stride, shortcut):
        conv(x, channels, 1)
        return shortcut(x)

    (workspace / "variants" / "v.yaml").write_text(
        "stem: {type: cifar, channels: 8}\nstages:\n  - {block: basic, repeat: 1, channels: 8}\n"
        "  - repeat: 1\n    channels: 16\n    block: wasteful\nhead: {classes: 10}\n"
    )
    with pytest.raises(LabError, match="variants/v.yaml:6: stage2.block1.conv1: its output 16x32x32 is never used"):
        rl.graph("v", input=(3, 32, 32))
