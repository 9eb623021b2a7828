"""Equal cost: every built-in block against the baselines, the search's limits, and the spec that is written."""

import math

import pytest

from resnet_lab import LabError, block
from resnet_lab.blocks.registry import BLOCKS
from resnet_lab.ops import conv, norm, relu
from resnet_lab.specs import describe
from resnet_lab.specs.matching import TOLERANCE, MatchSpec, match
from resnet_lab.specs.variant import load
from tests.conftest import heavy_imports

BASELINES = ("resnet18", "resnet50", "cifar_resnet20")


def matched(baseline, overrides, what="macs", by="width", **options):
    against = load(baseline)
    spec = MatchSpec(what=what, by=by)
    return match(load(baseline, overrides), against.graph(classes=10), spec, tuple(against.spec.input), 10, **options)


@pytest.mark.parametrize("what", ["macs", "params"])
@pytest.mark.parametrize("name", [name for name, entry in BLOCKS.entries.items() if entry.is_own])
@pytest.mark.parametrize("baseline", BASELINES)
def test_every_block_is_matched_within_one_percent(baseline, name, what):
    against, variant = load(baseline), load(baseline, {"every_stage.block": name})
    input, classes = tuple(against.spec.input), against.spec.head.classes
    found = match(variant, against.graph(), MatchSpec(what=what), input, classes)
    assert abs(getattr(found.graph, what) / getattr(against.graph(), what) - 1) <= 0.01
    assert found.cost == getattr(found.graph, what)
    written = variant.graph()
    assert [(node.name, node.op) for node in found.graph.nodes] == [(node.name, node.op) for node in written.nodes]


def test_a_variant_that_costs_the_same_stays_as_written():
    found = matched("resnet18", {"every_stage.se": 16})
    assert found.note == "macs: as written"
    assert found.graph.digest == load("resnet18", {"every_stage.se": 16}).graph(classes=10).digest


def test_one_factor_changes_the_stem_and_every_stage():
    found = matched("resnet18", {"every_stage.block": "bottleneck"})
    channels = [found.variant.spec.stem.channels, *(stage.channels for stage in found.variant.spec.stages)]
    factor = float(found.note.removeprefix("macs: width "))
    for size, written in zip(channels, (64, 64, 128, 256, 512), strict=True):
        assert size == pytest.approx(factor * written, abs=0.51 + 0.0005 * written)


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


def test_what_cannot_be_matched_is_refused_with_the_nearest():
    with pytest.raises(
        LabError, match=r"cannot be matched in macs by depth: the nearest is depth [\d-]+, with [\d,]+ mult"
    ):
        matched("resnet18", {"every_stage.block": "bottleneck"}, by="depth")


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


def test_a_misspelt_option_is_refused_by_name():
    with pytest.raises(LabError, match="'reductoin'"):
        matched("resnet18", {"every_stage.block": "bottleneck"}, by="variant.every_stage.reductoin")


def test_the_latency_is_whatever_is_measured():
    found = matched("resnet18", {}, "latency", latency=lambda graph: 2 * graph.macs / 1_813_566_464)
    assert abs(found.cost - 1) <= TOLERANCE["latency"]
    assert found.variant.spec.stages[0].channels < 50


def test_the_written_spec_is_the_matched_network(workspace):
    found = matched("resnet18", {"every_stage.block": "bottleneck"})
    (workspace / "m.yaml").write_text(found.as_yaml())
    graph = describe.variant("./m.yaml").graph
    assert (graph.digest, graph.macs) == (found.graph.digest, found.cost)
    assert found.note in (workspace / "m.yaml").read_text().splitlines()[0]


def test_a_cost_that_is_not_known_is_refused(monkeypatch):
    monkeypatch.setattr("resnet_lab.network.graph.total_macs", lambda nodes: None)
    with pytest.raises(LabError, match="multiply-adds .* not known"):
        matched("resnet18", {})


def test_what_is_changed_has_a_known_name():
    with pytest.raises(ValueError, match="'widht' is not width, depth or a key of the variant"):
        MatchSpec(what="macs", by="widht")


def test_nothing_heavy_is_imported():
    code = (
        "from resnet_lab.specs.matching import MatchSpec, match; from resnet_lab.specs.variant import load\n"
        "wide = load('resnet18', {'every_stage.block': 'bottleneck'})\n"
        "match(wide, load('resnet18').graph(), MatchSpec(what='macs'), (3, 224, 224), 1000)"
    )
    assert heavy_imports(code) == []


def test_a_block_that_works_at_no_other_width_is_refused_with_its_own_message():
    @block("stubborn")
    def stubborn(x, channels, stride, shortcut):
        assert channels in (64, 128, 256, 512), "no other width"
        return relu(norm(conv(x, channels, 1, stride)) + shortcut(x))

    with pytest.raises(LabError, match="cannot be matched in macs by width: the nearest is width 1,"):
        matched("resnet18", {"every_stage.block": "stubborn"})
    assert math.isfinite(load("resnet18", {"every_stage.block": "stubborn"}).graph().macs)
