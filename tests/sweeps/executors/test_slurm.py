"""How jobs are submitted to SLURM: the settings that a person gives, and those that follow from the experiment."""

import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors.cluster import need
from resnet_lab.sweeps.executors.slurm import OnSlurm

pytest.importorskip("submitit", reason="submitit is not installed")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "needs a limit of time: --slurm time=2h, or 'limits: {trial: 2h}'"),
        ({"time": "soon"}, "'soon' is not a time such as 2h, 10m, 90s or 1h30m, or a number of minutes"),
        ({"time": 10, "at_once": 0}, "at_once is a number from 1, not '0'"),
        ({"time": 10, "cluster": "sun"}, "'cluster' is slurm or local, not 'sun'"),
        ({"time": 10}, "srun"),
    ],
)
def test_settings_that_are_wrong(tiny, settings, told, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LabError, match=told):
        OnSlurm(settings).executor(need(load("e")), tiny / "results" / "e")


def test_resources_and_limits_become_options_of_sbatch(tiny, slurm):
    wanted = need(load("e", ["resources={cpu: 3}", "limits={trial: 90m, memory: 8GiB}", "device=gpu"]))
    _, line = OnSlurm({}).executor(wanted, tiny / "results" / "e")
    assert line == "slurm: jobs of at most 100 min with 3 thread(s) --gpus-per-node=1 --mem=9G"
    _, line = OnSlurm({"gres": "gpu:a100:1", "mem": "20G"}).executor(wanted, tiny / "results" / "e")
    assert line.endswith("--gres=gpu:a100:1 --mem=20G")
