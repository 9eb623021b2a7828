"""Limits and resources as an experiment's file states them."""

import pytest

from resnet_lab.base.errors import LabError
from resnet_lab.specs.experiment import load

BASE = {"variants": ["cifar_resnet20"], "train": {"epochs": 1, "batch_size": 8}}


def test_times_and_memory_are_read_with_their_units():
    limits = load(
        BASE | {"limits": {"trial": "2h", "sweep": "12h", "memory": "8GiB", "retries": 0}}, name="e"
    ).spec.limits
    assert (limits.trial, limits.sweep, limits.memory, limits.retries) == (7200, 43200, 8 << 30, 0)


def test_without_a_word_there_is_no_limit_and_one_retry():
    spec = load(BASE, name="e").spec
    assert (spec.limits.trial, spec.limits.sweep, spec.limits.memory, spec.limits.retries) == (None, None, None, 1)
    assert (spec.resources.cpu, spec.resources.gpu) == (None, 1.0)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"limits": {"trial": 2}}, "'limits.trial': 2 is not a time such as 2h"),
        ({"limits": {"memory": "8G"}}, "'limits.memory': '8G' is not an amount of memory"),
        ({"limits": {"retries": -1}}, "limits.retries"),
        ({"limits": {"retry": 1}}, "did you mean 'retries'"),
        ({"resources": {"gpu": 2.0}}, "resources.gpu"),
        ({"resources": {"cpu": 0}}, "resources.cpu"),
    ],
)
def test_wrong_limits_are_refused_by_name(keys, told):
    with pytest.raises(LabError) as caught:
        load(BASE | keys, name="e")
    assert told in str(caught.value)
