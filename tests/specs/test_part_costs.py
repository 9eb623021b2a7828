"""The costs of networks from their parts are those of the networks themselves."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resnet_lab import LabError
from resnet_lab.network.graph import GraphError
from resnet_lab.specs import workspace
from resnet_lab.specs.part_costs import PartCosts
from resnet_lab.specs.variant import load

INPUT, CLASSES = (3, 64, 64), 7


def same(costs, graph):
    assert (costs.macs, costs.params, costs.depth) == (graph.macs, graph.params, graph.depth)
    assert costs.output == graph.output


def parts_of(name):
    return PartCosts(lambda changes: load(name, changes, where_taken=True))


@pytest.mark.parametrize("name", sorted(workspace.names("variants")))
def test_every_variant_that_ships(name):
    variant = load(name)
    input = (variant.spec.input[0], 64, 64)
    same(parts_of(name).of({}, input, CLASSES), variant.graph(input, CLASSES))


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "every_stage.groups": st.sampled_from([1, 4]),
        "every_stage.shortcut": st.sampled_from(["projection", "avgpool", "project_all"]),
        "every_stage.block": st.sampled_from(["bottleneck", "basic", "preact_bottleneck"]),
        "stem.channels": st.sampled_from([8, 64]),
        "head.dropout": st.sampled_from([0.0, 0.5]),
        **{f"stages.{number}.repeat": st.integers(1, 3) for number in (1, 2, 3, 4)},
        **{f"stages.{number}.channels": st.sampled_from([8, 64, 128]) for number in (1, 2, 3, 4)},
        "stages.2.stride": st.sampled_from([1, 2]),
        "stages.3.se": st.sampled_from([4, None]),
    },
)
PARTS = parts_of("resnet50")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(changes=CHANGES)
def test_changes_in_any_order_and_from_any_parts_that_are_known_already(changes):
    same(PARTS.of(changes, INPUT, CLASSES), load("resnet50", changes, where_taken=True).graph(INPUT, CLASSES))


def test_a_part_is_built_once(workspace):
    built = []
    parts = PartCosts(lambda changes: built.append(changes) or load("resnet50", changes))
    changes = {"stages.2.repeat": 3, "stages.1.channels": 32}
    first = parts.of(changes, INPUT, CLASSES)
    assert parts.of(changes, INPUT, CLASSES) == first
    assert len(built) == 3  # stages 3 and 4 are those of the spec without changes


def test_a_part_that_cannot_be_built_is_no_network(workspace):
    parts = parts_of("cifar_resnet20")
    with pytest.raises(GraphError, match="which are fewer"):
        parts.of({"stages.2.channels": 8}, INPUT, CLASSES)
    with pytest.raises(LabError, match="'stages.2.repeat' is 0"):
        parts.of({"stages.2.repeat": 0}, INPUT, CLASSES)
