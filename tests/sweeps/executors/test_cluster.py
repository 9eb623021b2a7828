"""What a trial needs of a machine, and which cluster a person asks for."""

import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors.choice import choose
from resnet_lab.sweeps.executors.cluster import need
from resnet_lab.sweeps.executors.slurm import OnSlurm
from resnet_lab.training.trial import Place


@pytest.mark.parametrize(
    ("settings", "device", "threads", "place", "gpus"),
    [
        ([], None, None, Place("auto", "auto", 1), 0),
        (["device=cpu", "compile=off", "resources={cpu: 4}"], None, None, Place("cpu", "off", 4), 0),
        (["device=cpu", "resources={cpu: 4}"], "gpu", 2, Place("gpu", "auto", 2), 1),
        (["device=gpu", "resources={gpu: 0.25}"], None, None, Place("gpu", "auto", 1, 0.25), 0.25),
        (["device=gpu:0,1"], None, None, Place("gpu:0,1", "auto", 1), 2),
        (["device=cpu:0,1", "resources={cpu: 2}"], None, None, Place("cpu:0,1", "auto", 2), 0),
    ],
)
def test_what_a_trial_needs(tiny, settings, device, threads, place, gpus):
    found = need(load("e", settings), device, threads)
    assert (found.place, found.gpus) == (place, gpus)


def test_limits_are_needed_too(tiny):
    found = need(load("e", ["limits={trial: 2h, memory: 8GiB}"]))
    assert (found.seconds, found.memory) == (7200, 8 << 30)


@pytest.mark.parametrize("device", ["gpu:1", "gpu:1,0", "tpu"])
def test_a_device_that_a_cluster_does_not_give(tiny, device):
    with pytest.raises(LabError, match="--device: .*(a cluster chooses the GPUs|unknown device 'tpu')"):
        need(load("e"), device)


def test_several_devices_have_no_share_of_a_gpu(tiny):
    with pytest.raises(LabError, match=r"a trial on several devices .gpu:0,1. cannot have a share of a GPU"):
        need(load("e", ["resources={gpu: 0.5}"]), "gpu:0,1")


def test_the_cluster_that_a_person_asks_for():
    assert choose(None, None, 2) is None
    assert choose(None, {"partition": "gpu"}) == OnSlurm({"partition": "gpu"})


@pytest.mark.parametrize(("asked", "names"), [(("local", {}), "ray and --slurm"), ((None, {}, 2), "slurm and --jobs")])
def test_two_places_exclude_each_other(asked, names):
    with pytest.raises(LabError, match=f"--{names} exclude each other"):
        choose(*asked)
