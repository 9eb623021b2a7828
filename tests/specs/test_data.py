"""An experiment's `data`: its fields, the options of a dataset, and its augmentation."""

import json

import pytest
from pydantic import ValidationError

from resnet_lab.specs.augment import AUGMENTATIONS, AugmentSpec
from resnet_lab.specs.data import DataSpec
from resnet_lab.specs.identity import identity


def test_keys_that_are_no_field_are_options_of_the_dataset():
    spec = DataSpec.model_validate({"name": "imagefolder", "path": "a/photos", "size": 32})
    assert spec.options == {"path": "a/photos"}
    assert spec.title == "imagefolder:photos"
    assert identity(spec) == {"name": "imagefolder", "size": 32, "path": "a/photos"}


def test_workers_do_not_decide_the_outcome():
    assert identity(DataSpec(workers=3)) == identity(DataSpec())


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS.entries) or ["flip"])
def test_a_name_alone_means_a_valid_setting_and_off_is_left_out(name):
    for off in (None, False):
        assert AugmentSpec.model_validate({name: off}) == AugmentSpec()
    if name != "resize":  # a length has to be given
        spec = AugmentSpec.model_validate([name])
        assert list(spec.settings) == [name]
        assert AugmentSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_data_spec_goes_through_json_unchanged():
    written = ["flip", {"resize": [20, 30]}, "rand_augment", {"mixup": 0.5}, {"pad_crop": 0}]
    spec = DataSpec.model_validate({"augment": written})
    assert DataSpec.model_validate_json(json.dumps(spec.model_dump(mode="json"))) == spec
    assert identity(spec)["augment"] == {"flip": True, "resize": [20, 30], "rand_augment": [2, 9], "mixup": 0.5}


@pytest.mark.parametrize(
    ("augment", "told"),
    [
        (["flop"], "unknown augmentation 'flop'; did you mean 'flip'"),
        ([["flip"]], "is neither a name nor a mapping"),
        ("flip", "should be a list such as"),
        (["flip", "flip"], "'flip' stands twice"),
        ([{"mixup": "much"}], "should be a valid number"),
        ([{"resize": 30}, "random_resized_crop"], "resize and random_resized_crop both draw a crop"),
        ([{"resize": [30, 20]}], r"the first of \[30, 20\] is the least"),
        (["resize"], "valid tuple"),
    ],
)
def test_mistakes_in_augment(augment, told):
    with pytest.raises(ValidationError, match=told):
        DataSpec.model_validate({"augment": augment})
