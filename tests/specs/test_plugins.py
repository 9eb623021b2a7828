"""Python files of a person's own: loaded once, again when they change, and named when they fail."""

import textwrap

import pytest

import resnet_lab as rl
from resnet_lab import LabError
from tests.specs.writing import BLOCK, write


def test_a_block_file_beside_its_spec(workspace):
    (workspace / "variants" / "mine.py").write_text(
        textwrap.dedent('''
        from resnet_lab import block
        from resnet_lab.ops import conv, norm, relu

        @block("mine")
        def mine(x, channels, stride, shortcut, *, kernel: int = 5):
            """One convolution."""
            return relu(norm(conv(x, channels, kernel, stride)) + shortcut(x))
        ''')
    )
    write(
        workspace,
        "mine18.yaml",
        "extends: resnet18\nblocks: [mine.py]\nevery_stage: {block: mine, kernel: 3, conv_bias: null}\n",
    )
    graph = rl.graph("mine18")
    assert graph.depth == 1 + 8 + 1
    assert rl.graph("variants/mine18.yaml").digest == graph.digest


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nothing_of_the_kind\n", r"bad.py:1: fails when it is loaded: ModuleNotFoundError"),
        ("x = = 1\n", r"bad.py:1: is no valid Python"),
        (
            "from resnet_lab import block\n\n@block('basic')\ndef f(x, channels, stride, shortcut): ...\n",
            r"bad.py:3: block 'basic' .* is taken already",
        ),
    ],
)
def test_a_block_file_that_fails_is_named_with_its_line(workspace, code, told):
    (workspace / "variants" / "bad.py").write_text(code)
    write(workspace, "bad18.yaml", "extends: resnet18\nblocks: [bad.py]\n")
    with pytest.raises(LabError, match=told):
        rl.graph("bad18")


def test_a_block_file_that_changes_is_read_again(workspace):
    path = workspace / "variants" / "mine.py"
    path.write_text(BLOCK.format(options=""))
    write(workspace, "a.yaml", "extends: resnet18\nblocks: [mine.py]\nevery_stage: {block: mine}\n")
    before = rl.graph("a")
    path.write_text(path.read_text().replace("channels, 3, stride", "channels, 5, stride"))
    assert rl.graph("a").params > before.params
