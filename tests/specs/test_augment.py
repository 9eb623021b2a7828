"""An experiment's `data.augment`, and the registry of the kinds of augmentation."""

import pytest
from pydantic import ValidationError

from resnet_lab import LabError
from resnet_lab.specs.augment import AUGMENTATIONS, NO_AUGMENTATION, AugmentSpec, augmentation
from resnet_lab.specs.data import DataSpec


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS.entries) or ["flip"])
def test_a_name_alone_means_a_valid_setting_and_off_is_left_out(name):
    for off in (None, False):
        assert AugmentSpec.model_validate({name: off}) == AugmentSpec()
    if name != "resize":  # a length has to be given
        spec = AugmentSpec.model_validate([name])
        assert list(spec.settings) == [name]
        assert AugmentSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("augment", "told"),
    [
        (["flop"], "unknown augmentation 'flop'; did you mean 'flip'"),
        ([["flip"]], "is neither a name nor a mapping"),
        ("flip", "should be a list such as"),
        (["flip", "flip"], "'flip' is given twice"),
        ([{"mixup": "much"}], "should be a valid number"),
        ([{"resize": 30}, "random_resized_crop"], "resize and random_resized_crop both draw a crop"),
        ([{"resize": [30, 20]}], r"the first of \[30, 20\] is the least"),
        (["resize"], "valid tuple"),
    ],
)
def test_mistakes_in_augment(augment, told):
    with pytest.raises(ValidationError, match=told):
        DataSpec.model_validate({"augment": augment})


def test_a_list_and_a_mapping_mean_the_same_in_any_order():
    listed = AugmentSpec.model_validate(["flip", {"pad_crop": 4}, {"rand_augment": [2, 9]}])
    mapped = AugmentSpec.model_validate({"rand_augment": [2, 9], "pad_crop": 4, "flip": True})
    assert listed == mapped
    assert listed.settings == {"flip": True, "pad_crop": 4, "rand_augment": (2, 9)}
    assert NO_AUGMENTATION.settings == {}


def test_a_registered_kind_is_checked_by_its_own_type_and_excludes_its_like():
    for name in ("invert", "negate"):

        @augmentation(name, setting=float, bare=0.5, once="turn dark into light")
        class Invert:
            """Dark becomes light."""

    assert AugmentSpec.model_validate(["invert"]).settings == {"invert": 0.5}
    with pytest.raises(ValidationError, match="invert\n.*valid number"):
        AugmentSpec.model_validate({"invert": "much"})
    with pytest.raises(ValidationError, match="invert and negate both turn dark into light: use one of them"):
        AugmentSpec.model_validate(["invert", "negate"])
    with pytest.raises(LabError, match="invert"):
        augmentation("invert", setting=bool, bare=True)(object)
