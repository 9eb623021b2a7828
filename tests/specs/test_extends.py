"""Specs that extend others: what changes, what is inherited, and where a mistake stands."""

from pathlib import Path

import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.specs.workspace import names
from tests.specs.writing import BLOCK, write


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


def test_a_description_is_not_inherited(workspace, lab):
    """'ResNet-50 of He et al. 2015' would be untrue of a network that has other blocks."""
    write(workspace, "a.yaml", "extends: resnet50\nevery_stage: {stride_on: 3x3}\n")
    write(workspace, "b.yaml", "extends: a\ndescription: mine\n")
    assert rl.variant("a").spec.description == ""
    assert rl.variant("b").spec.description == "mine"
    assert lab("describe", "a").stdout.startswith("a\ninput 3x224x224, depth 50, ")
    assert lab("describe", "b").stdout.startswith("b: mine\ninput ")


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


def test_a_base_with_broken_stages_is_told_in_its_own_file(workspace):
    write(workspace, "base.yaml", "stem: {type: cifar, channels: 8}\nstages: 5\nhead: {classes: 2}\n")
    write(workspace, "a.yaml", "extends: base\nevery_stage: {stride: 2}\n")
    with pytest.raises(LabError, match=r"base.yaml:2: 'stages' is a list of mappings"):
        rl.graph("a")


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
