"""Stage specs: the shipped variants against published counts, inheritance, and a mistake told where it stands."""

import re

import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.specs.variant import load
from resnet_lab.specs.workspace import shipped
from tests.specs.writing import BLOCK, write

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


def test_overrides_are_a_spec_on_top():
    graph = load("resnet50", {"every_stage.stride_on": "3x3"}).graph()
    assert graph.digest == rl.graph("resnet50_v1b").digest
    assert load("resnet18", {"stages.1.channels": 96}).spec.stages[0].channels == 96


def test_a_required_option_is_asked_for_once(workspace):
    (workspace / "variants" / "mine.py").write_text(BLOCK.format(options=", *, ratio: int"))
    write(workspace, "a.yaml", "extends: resnet18\nblocks: [mine.py]\nevery_stage: {block: mine, ratio: 4}\n")
    assert rl.graph("a").depth == 10
    write(workspace, "b.yaml", "extends: resnet18\nblocks: [mine.py]\nevery_stage: {block: mine}\n")
    with pytest.raises(LabError, match="block 'mine' needs the option 'ratio'"):
        rl.graph("b")
