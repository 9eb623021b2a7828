"""The division of a machine among trials that run side by side."""

import pytest

from resnet_lab.base import hardware
from resnet_lab.base.errors import LabError
from resnet_lab.specs.limits import ResourcesSpec
from resnet_lab.sweeps.executors.slots import Slot, divided
from resnet_lab.training.trial import Place


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    monkeypatch.setattr(hardware, "cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.parametrize(
    ("jobs", "cpu", "threads", "trials", "each"),
    [
        (None, None, None, 5, [None]),
        (1, None, None, 5, [None]),
        (1, 4, None, 5, [4]),
        (2, None, None, 5, [4, 4]),
        (3, None, None, 5, [2, 2, 2]),
        (2, 3, None, 5, [3, 3]),
        (2, 3, 1, 5, [1, 1]),
        ("auto", None, None, 20, [1] * 8),
        ("auto", None, None, 3, [2] * 3),
        ("auto", 4, None, 20, [4, 4]),
        ("auto", None, None, 1, [None]),
    ],
)
def test_the_cores_are_shared_equally_unless_a_trial_asks_for_some(jobs, cpu, threads, trials, each):
    slots = divided(jobs, ResourcesSpec(cpu=cpu), threads=threads, trials=trials)
    assert [slot.threads for slot in slots] == each
    assert all(slot.gpu is None for slot in slots)


@pytest.mark.parametrize(
    ("jobs", "share", "gpus", "each"),
    [
        (None, 1.0, [0, 1], [None]),
        (2, 1.0, [0, 1], [0, 1]),
        ("auto", 1.0, [0, 1, 3], [0, 1, 3]),
        ("auto", 0.25, [0, 1], [0, 1] * 4),
        (3, 0.5, [0, 1], [0, 1, 0]),
    ],
)
def test_each_trial_has_its_gpu_or_its_share_of_one(jobs, share, gpus, each):
    slots = divided(jobs, ResourcesSpec(gpu=share), gpus=gpus, trials=20)
    assert [slot.gpu for slot in slots] == each


def test_more_trials_than_shares_are_refused_with_the_share_that_would_do():
    with pytest.raises(LabError, match=r"2 GPU\(s\) have room for 2 trial.*'resources: \{gpu: 0.333\}'"):
        divided(5, ResourcesSpec(), gpus=[0, 1])


def test_the_persons_variable_sets_the_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert [slot.threads for slot in divided(2, ResourcesSpec())] == [3, 3]


def test_a_slot_changes_the_device_of_gpu_trials_alone():
    slot = Slot(2, 1, 0.5)
    assert slot.placed(Place("gpu:0", "off", 8)) == Place("gpu:1", "off", 2, 0.5)
    assert slot.placed(Place("cpu", "off", 8)) == Place("cpu", "off", 2)
    assert Slot().placed(Place("gpu:0,1", "off", 8)) == Place("gpu:0,1", "off", 8)
