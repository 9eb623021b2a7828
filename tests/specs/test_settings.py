"""Settings `KEY=VALUE` of the command line."""

import pytest

from resnet_lab import LabError
from resnet_lab.specs.settings import parse, short_keys


def test_the_value_is_read_as_yaml():
    assert parse("train.epochs=10") == ("train.epochs", 10)
    assert parse(" data.augment = [flip, {pad_crop: 4}]") == ("data.augment", ["flip", {"pad_crop": 4}])
    assert parse("a=b=c") == ("a", "b=c")


@pytest.mark.parametrize("text", ["train.epochs", "=3", " =3"])
def test_a_setting_without_key_or_value_is_refused_with_an_example(text):
    with pytest.raises(LabError, match=f"--option takes KEY=VALUE, such as reduction=8, not '{text}'"):
        parse(text, "--option", "reduction=8")


def test_a_value_that_is_no_yaml_is_refused():
    with pytest.raises(LabError, match=r"--set a=\[1: "):
        parse("a=[1")


def test_keys_are_shortened_as_far_as_they_stay_apart():
    keys = [
        "train.optimizer.lr",
        "variant.stages.1.repeat",
        "variant.stages.2.repeat",
        "epochs",
        "train.epochs",
        "seed",
    ]
    assert list(short_keys(keys).values()) == ["lr", "1.repeat", "2.repeat", "epochs", "train.epochs", "seed"]
    assert short_keys([]) == {}
