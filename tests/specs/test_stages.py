"""The parts of a stage spec: values that are right, and values that are refused."""

import pytest
from pydantic import ValidationError

from resnet_lab.specs.stages import KNOWN, HeadSpec, StageSpec, VariantSpec, parse_shape

STAGE = {"block": "basic", "repeat": 2, "channels": 64}


def test_a_shape_is_a_text_or_a_list():
    assert parse_shape("3x224x224") == parse_shape([3, 224, 224]) == [3, 224, 224]


@pytest.mark.parametrize("wrong", ["3x224", "3x0x5", "axbxc", [3, 2.5, 3], 5, None, "3x224x224x1"])
def test_another_shape_is_refused(wrong):
    with pytest.raises(ValueError, match="an input is written CxHxW, such as 3x224x224"):
        parse_shape(wrong)


def test_further_keys_of_a_stage_are_options_of_its_block():
    stage = StageSpec.model_validate({**STAGE, "se": 16, "shortcut": "pad", "first": {"se": 4}})
    assert stage.options == {"se": 16}
    assert (stage.shortcut.kind, stage.stride, stage.first) == ("pad", 1, {"se": 4})


@pytest.mark.parametrize(
    "wrong", [{"repeat": 0}, {"channels": "64"}, {"stride": 1.5}, {"shortcut": "none"}, {"shortcut": {"kinds": "pad"}}]
)
def test_a_stage_refuses_values_of_another_kind(wrong):
    with pytest.raises(ValidationError):
        StageSpec.model_validate(STAGE | wrong)


def test_a_network_has_stages_and_a_head_takes_no_further_keys():
    with pytest.raises(ValidationError):
        VariantSpec.model_validate({"stem": {"type": "cifar", "channels": 8}, "stages": [], "head": {"classes": 2}})
    with pytest.raises(ValidationError):
        HeadSpec.model_validate({"classes": 2, "class": 3})


def test_the_known_keys_are_those_of_the_specs():
    assert {"stem", "stages", "head", "extends", "every_stage"} <= set(KNOWN[""])
    assert "classes" in KNOWN["head"]
