"""Equal cost: every built-in block against the baselines, the search's limits, and the spec that is written."""

import pytest

from resnet_lab import LabError
from resnet_lab.blocks.registry import BLOCKS
from resnet_lab.specs import describe
from resnet_lab.specs.matching import TOLERANCE, MatchSpec, match
from resnet_lab.specs.variant import load
from tests.conftest import heavy_imports
from tests.specs.writing import matched

BASELINES = ("resnet18", "resnet50", "cifar_resnet20")


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


def test_what_cannot_be_matched_is_refused_with_the_nearest():
    with pytest.raises(
        LabError, match=r"cannot be matched in macs by depth: the nearest is depth [\d-]+, with [\d,]+ mult"
    ):
        matched("resnet18", {"every_stage.block": "bottleneck"}, by="depth")


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
