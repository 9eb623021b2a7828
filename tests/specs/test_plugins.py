"""Python files of a person's own: loaded once, again when they change, and named when they fail."""

import subprocess
import sys
import textwrap

import pytest

import resnet_lab as rl
from resnet_lab import LabError
from tests.specs.writing import BLOCK, write

DECORATOR = 3 if sys.version_info >= (3, 11) else 4
"""The line that Python names if a decorator in line 3 fails: Python 3.10 names the line of the `def` below it."""


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
            rf"bad.py:{DECORATOR}: block 'basic' \(.*bad.py:3\) is taken already",
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


def test_a_file_registers_parts_of_every_kind_and_they_are_forgotten_with_it(tmp_path):
    from resnet_lab.blocks import BLOCKS
    from resnet_lab.blocks.stems import STEMS
    from resnet_lab.data import DATASETS
    from resnet_lab.specs.plugins import load_file

    file = tmp_path / "own.py"
    file.write_text(
        "from resnet_lab import block, stem\nfrom resnet_lab.data import dataset\n\n"
        "@block('own')\ndef own(x, channels, stride, shortcut): ...\n\n"
        "@stem('own')\ndef begin(x, channels): ...\n\n"
        "@dataset('own', shape=(1, 2, 2), classes=2, count=4)\ndef read(): ...\n"
    )
    load_file(file, ("spec.yaml", 1))
    for registry in (BLOCKS, STEMS, DATASETS):
        assert registry.get("own").home == str(file)
    file.write_text("")
    load_file(file, ("spec.yaml", 1))
    for registry in (BLOCKS, STEMS, DATASETS):
        assert registry.find("own") is None


def test_a_file_that_imports_the_data_room_first_does_not_own_its_datasets(tmp_path, workspace, program):
    """The room is imported while the file runs; the datasets of the package are still the package's."""
    (workspace / "own.py").write_text(BLOCK.format(options="") + "import resnet_lab.data\n")
    done = program("data", "check", "digits", "--from", "own.py")
    assert done.returncode == 0, done.stderr
    code = (
        "from pathlib import Path\nfrom resnet_lab.specs.plugins import load_file\nload_file(Path('own.py'), ('', 1))\n"
        "from resnet_lab.data import DATASETS\nfrom resnet_lab.blocks import BLOCKS\n"
        "assert BLOCKS.get('mine').home and not DATASETS.get('digits').home\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_file_is_told_at_the_specs_line(tmp_path):
    from resnet_lab.specs.plugins import load_file

    with pytest.raises(LabError, match=r"spec.yaml:3: there is no dataset file .*absent.py"):
        load_file(tmp_path / "absent.py", ("spec.yaml", 3), "dataset")


HELPED = """
from resnet_lab import block
from resnet_lab.ops import conv, norm, relu
from helper import KERNEL


@block("NAME")
def mine(x, channels, stride, shortcut):
    import late
    return relu(norm(conv(x, channels, KERNEL, stride, groups=late.GROUPS)) + shortcut(x))
"""


def helped(folder, name, kernel):
    """A spec whose block file imports two helpers beside it, one of them inside the block."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(HELPED.replace("NAME", name))
    (folder / "helper.py").write_text(f"from deeper import TWO\nKERNEL = {kernel} + 0 * TWO\n")
    (folder / "deeper.py").write_text("import helper\nTWO = 2\n")
    (folder / "late.py").write_text("GROUPS = 1\n")
    (folder / f"{name}.yaml").write_text(f"extends: resnet18\nblocks: [{name}.py]\nevery_stage: {{block: {name}}}\n")
    return str(folder / f"{name}.yaml")


def test_block_files_in_two_folders_have_helpers_of_the_same_name(workspace):
    before, modules = list(sys.path), set(sys.modules)
    three, five = helped(workspace / "a", "three", 3), helped(workspace / "b", "five", 5)
    small, large = rl.graph(three), rl.graph(five)
    assert large.params > small.params
    assert rl.graph(three).digest == small.digest
    assert sys.path == before
    assert not {"helper", "deeper", "late"} & (set(sys.modules) - modules)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("helper.py", "KERNEL = 3", "KERNEL = 5"), ("late.py", "GROUPS = 1", "GROUPS = 2"), ("deeper.py", "TWO = 2", "")],
)
def test_a_helper_that_changes_is_read_again(workspace, file, old, new):
    spec = helped(workspace / "a", "three", 3)
    before = rl.graph(spec)
    path = workspace / "a" / file
    path.write_text(path.read_text().replace(old, new))
    if new:
        assert rl.graph(spec).digest != before.digest
    else:
        with pytest.raises(LabError, match=r"helper.py:1: fails when it is loaded: ImportError: cannot import name"):
            rl.graph(spec)


def test_a_block_file_is_a_helper_of_another(workspace):
    (workspace / "variants" / "base.py").write_text(BLOCK.format(options=""))
    (workspace / "variants" / "other.py").write_text(
        "from base import mine\nfrom resnet_lab import block\n\n\n@block('other')\n"
        "def other(x, channels, stride, shortcut):\n    return mine(mine(x, channels, stride, shortcut), channels, 1, "
        "lambda y: y)\n"
    )
    write(workspace, "a.yaml", "extends: resnet18\nblocks: [base.py]\nevery_stage: {block: mine}\n")
    write(workspace, "b.yaml", "extends: resnet18\nblocks: [other.py]\nevery_stage: {block: other}\n")
    write(workspace, "c.yaml", "extends: b\nblocks: [base.py]\nstages: {1: {block: mine}}\n")
    depths = [rl.graph(name).depth for name in ("a", "b", "c", "a")]
    assert depths == [10, 18, 16, 10]


def test_a_file_beside_does_not_take_the_name_of_a_module_of_python(workspace):
    spec = helped(workspace / "a", "three", 3)
    (workspace / "a" / "random.py").write_text("raise RuntimeError\n")
    (workspace / "a" / "helper.py").write_text("import random\nKERNEL = random.choice([3])\n")
    assert rl.graph(spec).depth == 10
