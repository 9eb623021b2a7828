"""The networks of an experiment: each is built once, and what a search drops is not kept."""

import pytest

from resnet_lab.specs.experiment import load
from resnet_lab.specs.variant import load as load_variant
from resnet_lab.sweeps.networks import Networks, overrides

CHANGES = {"every_stage.block": "bottleneck", "stages.2.repeat": 5}


@pytest.fixture
def networks(workspace):
    experiment = {"variants": ["cifar_resnet20"], "train": {"epochs": 1, "batch_size": 8}}
    return Networks(load(experiment, name="mine"))


def test_overrides_are_the_swept_values_of_the_variant():
    swept = {"train.epochs": 3, "variant.stages.2.repeat": 5, "precision": "float32"}
    assert overrides(swept) == {"stages.2.repeat": 5}


@pytest.mark.parametrize("changes", [{}, CHANGES])
def test_a_variant_with_changes_is_what_a_spec_that_extends_it_makes(networks, changes):
    expected = load_variant("cifar_resnet20", changes, where_taken=True)
    for _ in range(2):  # the spec as written must not be changed by the first
        assert networks.build("cifar_resnet20", changes).spec == expected.spec


def test_a_network_is_built_once(networks):
    variant = networks.variant("cifar_resnet20", CHANGES)
    assert networks.variant("cifar_resnet20", dict(CHANGES)) is variant
    graph = networks.graph(variant, (3, 32, 32), 10)
    assert networks.graph(variant, (3, 32, 32), 10) is graph
    assert networks.graph(variant, (3, 16, 16), 10) is not graph


def test_what_is_built_is_dropped_unless_it_is_kept(networks):
    dropped = networks.build("cifar_resnet20", CHANGES)
    assert networks.variant("cifar_resnet20", CHANGES) is not dropped
    other = {"stages.2.repeat": 4}
    kept = networks.build("cifar_resnet20", other)
    graph = kept.graph((3, 32, 32), 10)
    networks.keep("cifar_resnet20", other, kept, graph)
    assert networks.variant("cifar_resnet20", other) is kept
    assert networks.graph(kept, (3, 32, 32), 10) is graph
