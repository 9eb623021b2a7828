"""The search for equal cost: what it changes, in which steps, and what it leaves."""

import pytest

from resnet_lab import LabError, block
from resnet_lab.ops import conv, norm, relu
from resnet_lab.specs.matching import TOLERANCE, MatchSpec, match
from resnet_lab.specs.variant import load
from tests.specs.writing import matched


@pytest.fixture
def grouped():
    @block("grouped")
    def grouped(x, channels, stride, shortcut, *, groups: int = 8):
        return relu(norm(conv(x, channels, 3, stride, groups=groups)) + shortcut(x))


def test_channels_stay_multiples_of_the_groups(grouped):
    found = matched("resnet18", {"every_stage.block": "grouped"})
    assert {stage.channels % 8 for stage in found.variant.spec.stages} == {0}
    assert abs(found.cost / found.target - 1) <= TOLERANCE["macs"]


def test_stages_are_changed_one_by_one_where_one_factor_is_too_coarse(grouped):
    overrides = {"every_stage.block": "grouped", "every_stage.groups": 16}
    found = matched("cifar_resnet20", overrides)
    assert "stage3" in found.note
    assert abs(found.cost / found.target - 1) <= TOLERANCE["macs"]
    assert {stage.channels % 16 for stage in found.variant.spec.stages} == {0}
    assert matched("cifar_resnet20", overrides).graph.digest == found.graph.digest


def test_the_depth_can_be_matched():
    found = matched("resnet50", {"stages.3.repeat": 8}, by="depth")
    assert sum(stage.repeat for stage in found.variant.spec.stages) == 16
    assert [stage.channels for stage in found.variant.spec.stages] == [64, 128, 256, 512]
    assert abs(found.cost / found.target - 1) <= TOLERANCE["macs"]


def test_an_option_of_the_block_can_be_matched():
    base = load("cifar_resnet20", {"every_stage.se": 8}).graph()
    wide = load("cifar_resnet20", {"every_stage.se": 1})
    found = match(wide, base, MatchSpec(what="params", by="variant.every_stage.se"), (3, 32, 32), 10)
    assert (found.note, found.graph.params) == ("params: every_stage.se 8", base.params)


def test_one_factor_changes_the_stem_and_every_stage():
    found = matched("resnet18", {"every_stage.block": "bottleneck"})
    channels = [found.variant.spec.stem.channels, *(stage.channels for stage in found.variant.spec.stages)]
    factor = float(found.note.removeprefix("macs: width "))
    for size, written in zip(channels, (64, 64, 128, 256, 512), strict=True):
        assert size == pytest.approx(factor * written, abs=0.51 + 0.0005 * written)


def test_a_block_that_works_at_no_other_width_is_refused_with_the_nearest():
    @block("stubborn")
    def stubborn(x, channels, stride, shortcut):
        assert channels in (64, 128, 256, 512), "no other width"
        return relu(norm(conv(x, channels, 1, stride)) + shortcut(x))

    with pytest.raises(LabError, match="cannot be matched in macs by width: the nearest is width 1,"):
        matched("resnet18", {"every_stage.block": "stubborn"})
