"""What differs between two networks, down to their layers."""

import resnet_lab as rl
from resnet_lab.specs import describe
from resnet_lab.specs.difference import difference


def test_the_stride_of_a_bottleneck_changes_layers_and_one_key():
    found = difference(describe.variant("resnet50"), describe.variant("resnet50_v1b"))
    assert not found.is_same
    assert {key.partition(".")[2] for key in found.spec} == {"stride_on"}
    assert found.only == ((), ())
    assert {one.name for one, _ in found.changed} >= {"stage2.block1.conv1", "stage2.block1.conv2"}
    assert [stage.name for stage in found.stages] == ["stage2", "stage3", "stage4"]
    assert found.stages[0].blocks == ("4 x bottleneck, 128, /2",) * 2
    macs = rl.graph("resnet50").macs, rl.graph("resnet50_v1b").macs
    assert (found.costs["macs"], found.costs["depth"]) == (macs, (50, 50))


def test_further_blocks_and_a_missing_stage_are_named(tmp_path):
    (tmp_path / "short.yaml").write_text(
        "stem: {type: cifar, channels: 16}\nstages:\n  - {block: basic, repeat: 3, channels: 16}\nhead: {classes: 10}\n"
    )
    ours, theirs = describe.variant("cifar_resnet20"), describe.variant(str(tmp_path / "short.yaml"))
    found = difference(ours, theirs)
    assert {stage.name: stage.blocks for stage in found.stages}["stage3"] == ("3 x basic, 64, /2", None)
    assert found.spec["stage3.channels"] == (64, None)
    assert any(node.name.startswith("stage3.") for node in found.only[0])
    assert found.only[1] == ()
    stage3 = found.stages[[stage.name for stage in found.stages].index("stage3")]
    assert stage3.params[1] == 0
    assert sum(node.trained for node in found.only[0] if node.name.startswith("stage3")) == stage3.params[0]


def test_a_network_and_itself():
    found = difference(describe.variant("resnet18"), describe.variant("resnet18", overrides=["description=another"]))
    assert found.is_same
    assert (found.spec, found.stages) == ({}, ())
    assert found.to_json()["same"] is True
