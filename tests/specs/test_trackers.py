"""The key `trackers` of an experiment."""

import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load

BASE = {"variants": ["resnet18"], "train": {"epochs": 1, "batch_size": 8}}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("tensorboard", {"tensorboard": {}}),
        (["tensorboard", "mlflow"], {"tensorboard": {}, "mlflow": {}}),
        ({"mlflow": {"uri": "sqlite:///a.db"}, "trackio": None}, {"mlflow": {"uri": "sqlite:///a.db"}, "trackio": {}}),
    ],
)
def test_names_and_options(written, meant):
    assert load({**BASE, "trackers": written}, name="e").spec.trackers == meant


def test_another_form_is_refused():
    with pytest.raises(LabError, match="trackers"):
        load({**BASE, "trackers": 3}, name="e")
