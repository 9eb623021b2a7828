"""An experiment's `data`: its fields, the options of a dataset, and its augmentation."""

import json

from resnet_lab.specs.data import DataSpec
from resnet_lab.specs.identity import identity


def test_keys_that_are_no_field_are_options_of_the_dataset():
    spec = DataSpec.model_validate({"name": "imagefolder", "path": "a/photos", "size": 32})
    assert spec.options == {"path": "a/photos"}
    assert spec.title == "imagefolder:photos"
    assert identity(spec) == {"name": "imagefolder", "size": 32, "path": "a/photos"}


def test_workers_do_not_decide_the_outcome():
    assert identity(DataSpec(workers=3)) == identity(DataSpec())


def test_a_data_spec_goes_through_json_unchanged():
    written = ["flip", {"resize": [20, 30]}, "rand_augment", {"mixup": 0.5}, {"pad_crop": 0}]
    spec = DataSpec.model_validate({"augment": written})
    assert DataSpec.model_validate_json(json.dumps(spec.model_dump(mode="json"))) == spec
    assert identity(spec)["augment"] == {"flip": True, "resize": [20, 30], "rand_augment": [2, 9], "mixup": 0.5}
