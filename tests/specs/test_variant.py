"""Stage specs: the shipped variants against published counts, inheritance, and a mistake told where it stands."""

import re
import textwrap
from pathlib import Path

import pytest

import resnet_lab as rl
from resnet_lab import LabError, block
from resnet_lab.ops import conv
from resnet_lab.specs.variant import load
from resnet_lab.specs.workspace import names, shipped

SHIPPED = sorted(path.stem for path in shipped("variants").glob("*.yaml"))

# Trained parameters and multiply-adds at the spec's own input, counted by others; see REFERENCES in each spec.
COUNTS = {
    "resnet18": (11_689_512, 1.814e9),
    "resnet34": (21_797_672, 3.664e9),
    "resnet50": (25_557_032, 3.858e9),
    "resnet101": (44_549_160, 7.570e9),
    "resnet152": (60_192_808, 11.282e9),
    "resnet18_v1": (11_689_512, 1.814e9),
    "resnet34_v1": (21_797_672, 3.664e9),
    "resnet50_v1": (25_575_912, 3.858e9),
    "resnet101_v1": (44_589_800, 7.570e9),
    "resnet152_v1": (60_252_648, 11.282e9),
    "resnet50_v1b": (25_557_032, 4_089_184_256),
    "resnet101_v1b": (44_549_160, 7.801e9),
    "resnet152_v1b": (60_192_808, 11.514e9),
    "resnet18_v2": (11_687_848, None),
    "resnet34_v2": (21_796_008, None),
    "resnet50_v2": (25_549_480, None),
    "resnet101_v2": (44_541_608, None),
    "resnet152_v2": (60_185_256, None),
    "cifar_resnet20": (269_722, None),
    "cifar_resnet32": (464_154, None),
    "cifar_resnet20_v1": (272_474, None),
    "cifar_resnet56_v1": (855_770, None),
    "cifar_resnet110_v1": (1_730_714, None),
    "cifar_resnet20_v2": (272_282, None),
    "cifar_resnet56_v2": (855_578, None),
    "cifar_resnet110_v2": (1_730_522, None),
    "d2l_resnet18": (11_178_378, None),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_the_published_ones(name):
    graph = rl.graph(name)
    params, macs = COUNTS[name]
    assert graph.params == params
    if isinstance(macs, int):
        assert graph.macs == macs
    elif macs:
        assert round(graph.macs / 1e6) == round(macs / 1e6)


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("cifar_resnet20", 0.27),
        ("cifar_resnet32", 0.46),
        ("cifar_resnet44", 0.66),
        ("cifar_resnet56", 0.85),
        ("cifar_resnet110", 1.7),
        ("cifar_resnet1202", 19.4),
        ("preact_resnet110", 1.7),
        ("preact_resnet164", 1.7),
    ],
)
def test_parameters_of_the_papers_tables(name, millions):
    digits = len(str(millions).partition(".")[2])
    assert round(rl.graph(name).params / 1e6, digits) == millions


@pytest.mark.parametrize("name", SHIPPED)
def test_depth_is_the_number_in_the_name(name):
    number = int(re.search(r"(?:net|next|plain)(\d+)", name)[1])
    if re.search(r"_v1[cdes]$|next\d+e_", name):  # a deep stem has three convolutions for one
        number += 2
    if "wide" in name:  # those names count the three projections, and not the dense layer
        number -= 2
    assert rl.graph(name).depth == number


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_variant_says_what_it_is(name):
    assert rl.variant(name).spec.description


def test_shapes_of_dive_into_deep_learnings_resnet():
    sizes = []
    for node in rl.graph("d2l_resnet18", input=(1, 224, 224)).layers:
        if len(node.output) == 3 and node.output[1:] != sizes[-1:] and (not sizes or node.output[1] != sizes[-1]):
            sizes.append(node.output[1])
    assert sizes == [112, 56, 28, 14, 7, 1]
    stages = [rl.graph("d2l_resnet18", input=(1, 224, 224)).nodes[-1].output]
    assert stages == [(10,)]


def test_equal_networks_have_equal_digests_whatever_their_files():
    assert rl.graph("resnet18").digest == rl.graph("resnet18_v1").digest == rl.graph("resnet18_v1b").digest
    assert len({rl.graph(name).digest for name in ("resnet50", "resnet50_v1", "resnet50_v1b", "resnet50_v2")}) == 4


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / "variants" / name
    path.write_text(textwrap.dedent(text).lstrip("\n"))
    return path


def test_the_working_directory_comes_before_the_package(workspace):
    write(workspace, "resnet18.yaml", "extends: resnet18\nhead: {classes: 7}\n")
    assert rl.graph("resnet18").output == (7,)
    assert names("variants")["resnet18"] == Path.cwd() / "variants" / "resnet18.yaml"


def test_a_two_line_variant_changes_every_stage_or_one(workspace):
    write(workspace, "a.yaml", "extends: resnet50\nevery_stage: {stride_on: 3x3}\n")
    write(workspace, "b.yaml", "extends: resnet50\nstages: {3: {repeat: 1, shortcut: avgpool}, 4: {stride: null}}\n")
    assert rl.graph("a").digest == rl.graph("resnet50_v1b").digest
    spec = rl.variant("b").spec
    assert [stage.repeat for stage in spec.stages] == [3, 4, 1, 3]
    assert [stage.shortcut.kind for stage in spec.stages] == ["projection", "projection", "avgpool", "projection"]
    assert [stage.stride for stage in spec.stages] == [1, 2, 2, 1]


def test_new_stages_take_every_stage_as_their_default(workspace):
    write(
        workspace,
        "a.yaml",
        """
        extends: resnet50
        every_stage: {stride_on: 3x3}
        stages:
          - {block: bottleneck, repeat: 1, channels: 8}
          - {block: bottleneck, repeat: 1, channels: 8, stride_on: 1x1}
        """,
    )
    assert [stage.options for stage in rl.variant("a").spec.stages] == [
        {"stride_on": "3x3", "conv_bias": False},
        {"stride_on": "1x1", "conv_bias": False},
    ]


def test_overrides_are_a_spec_on_top():
    graph = load("resnet50", {"every_stage.stride_on": "3x3"}).graph()
    assert graph.digest == rl.graph("resnet50_v1b").digest
    assert load("resnet18", {"stages.1.channels": 96}).spec.stages[0].channels == 96


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
    with pytest.raises(LabError, match=r"bad.py:6: block 'bad' fails: AttributeError"):
        rl.graph("bad18")


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


BLOCK = """
from resnet_lab import block
from resnet_lab.ops import conv, norm, relu


@block("mine")
def mine(x, channels, stride, shortcut{options}):
    return relu(norm(conv(x, channels, 3, stride)) + shortcut(x))
"""


def test_a_block_without_options_goes_into_any_spec(workspace):
    """The options that the base gave its own block are dropped; one that the child misspells is not."""
    (workspace / "variants" / "mine.py").write_text(BLOCK.format(options=""))
    write(workspace, "a.yaml", "extends: resnet50\nblocks: [mine.py]\nevery_stage: {block: mine}\n")
    assert rl.variant("a").spec.stages[0].options == {}
    assert rl.graph("a").depth == 1 + 16 + 1
    write(workspace, "b.yaml", "extends: resnet50\nblocks: [mine.py]\nevery_stage: {block: mine, stride_on: 3x3}\n")
    with pytest.raises(LabError, match=r"b.yaml:3: unknown option of block 'mine': 'stride_on'"):
        rl.graph("b")
    write(workspace, "c.yaml", "extends: resnet50\nstages: {2: {block: basic}}\n")
    assert [stage.options for stage in rl.variant("c").spec.stages][1] == {"conv_bias": False}


def test_the_first_blocks_options_fall_away_with_the_block_that_they_were_for(workspace):
    write(workspace, "a.yaml", "extends: preact_resnet110\nevery_stage: {block: basic}\n")
    assert rl.variant("a").spec.stages[0].first == {}
    write(workspace, "b.yaml", "extends: preact_resnet110\nstages: {1: {block: basic, first: {conv_bias: true}}}\n")
    assert rl.variant("b").spec.stages[0].first == {"conv_bias": True}
    write(workspace, "c.yaml", "extends: preact_resnet110\nevery_stage: {block: preact_bottleneck}\n")
    assert rl.variant("c").spec.stages[0].first == {"identity": "activated"}


def test_the_first_blocks_options_of_every_stage_fall_away_too(workspace):
    write(workspace, "base.yaml", "extends: preact_resnet110\nevery_stage: {first: {project: input}}\n")
    write(workspace, "a.yaml", "extends: base\nstages: [{block: basic, repeat: 1, channels: 8}]\n")
    assert rl.variant("a").spec.stages[0].first == {}


def test_a_misspelt_option_of_the_first_block_is_refused(workspace):
    write(workspace, "a.yaml", "extends: preact_resnet110\nstages: {1: {block: basic, first: {identity: input}}}\n")
    with pytest.raises(LabError, match=r"a.yaml:2: unknown option of block 'basic': 'identity'"):
        rl.variant("a")


def test_a_required_option_is_asked_for_once(workspace):
    (workspace / "variants" / "mine.py").write_text(BLOCK.format(options=", *, ratio: int"))
    write(workspace, "a.yaml", "extends: resnet18\nblocks: [mine.py]\nevery_stage: {block: mine, ratio: 4}\n")
    assert rl.graph("a").depth == 10
    write(workspace, "b.yaml", "extends: resnet18\nblocks: [mine.py]\nevery_stage: {block: mine}\n")
    with pytest.raises(LabError, match="block 'mine' needs the option 'ratio'"):
        rl.graph("b")


def test_a_block_file_that_changes_is_read_again(workspace):
    path = workspace / "variants" / "mine.py"
    path.write_text(BLOCK.format(options=""))
    write(workspace, "a.yaml", "extends: resnet18\nblocks: [mine.py]\nevery_stage: {block: mine}\n")
    before = rl.graph("a")
    path.write_text(path.read_text().replace("channels, 3, stride", "channels, 5, stride"))
    assert rl.graph("a").params > before.params


def test_a_new_list_of_stages_keeps_the_bases_every_stage(workspace):
    write(
        workspace,
        "a.yaml",
        """
        extends: cifar_resnet20
        stages:
          - {block: basic, repeat: 1, channels: 16}
          - {block: basic, repeat: 1, channels: 32, stride: 2}
        """,
    )
    assert [stage.shortcut.kind for stage in rl.variant("a").spec.stages] == ["pad", "pad"]


def test_a_fraction_of_channels_is_refused(workspace):
    (workspace / "variants" / "mine.py").write_text(BLOCK.format(options="").replace("channels, 3", "channels / 2, 3"))
    write(workspace, "a.yaml", "extends: resnet18\nblocks: [mine.py]\nevery_stage: {block: mine}\n")
    with pytest.raises(LabError, match=r"a.yaml:3: stage1.block1.conv1: channels is 32.0, not a whole number"):
        rl.graph("a")


def test_a_base_with_broken_stages_is_told_in_its_own_file(workspace):
    write(workspace, "base.yaml", "stem: {type: cifar, channels: 8}\nstages: 5\nhead: {classes: 2}\n")
    write(workspace, "a.yaml", "extends: base\nevery_stage: {stride: 2}\n")
    with pytest.raises(LabError, match=r"base.yaml:2: 'stages' is a list of mappings"):
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
