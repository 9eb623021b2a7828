"""A job of SLURM: whether it has a right to its trial, what is queued again, and which signals its worker gets."""

import signal
import subprocess
import sys

import pytest

from resnet_lab.base.files import write_json
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors import Work
from resnet_lab.sweeps.executors.cluster import need
from resnet_lab.sweeps.executors.slurm_job import JOB, Job, _signals_kept_from_children, reports_file
from resnet_lab.sweeps.plan import plan


@pytest.fixture
def job(tiny):
    """The job of the experiment's one trial, under the token `mine`."""
    experiment = load("e")
    [trial] = plan(experiment).trials
    return Job(Work(trial, tiny, need(experiment).place, False, "").to_json(), "mine")


@pytest.mark.parametrize("named", [None, "another"])
def test_a_job_leaves_a_trial_alone_that_belongs_to_another_job(job, tiny, named):
    if named:
        write_json(tiny / JOB, {"token": named})
    before = sorted(tiny.iterdir())
    job()
    assert sorted(tiny.iterdir()) == before


def test_a_job_reports_how_its_trial_ends(job, tiny):
    write_json(tiny / JOB, {"token": "mine"})
    job()
    lines = reports_file(tiny, "mine").read_text().split()
    assert '"started"' in "".join(lines)
    assert (tiny / "result.json").stat().st_mtime_ns == int(lines[-1].rstrip("}"))


def test_a_job_that_is_queued_again_is_the_same_job(job):
    pytest.importorskip("submitit", reason="submitit is not installed")
    assert job.checkpoint().function == job


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2])
def test_a_worker_does_not_get_the_signals_that_announce_the_end_of_a_job(number):
    with _signals_kept_from_children():
        child = subprocess.Popen([sys.executable, "-c", "print('up', flush=True); input(); print('on')"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert child.stdout.readline() == "up\n"
    child.send_signal(number)
    assert child.communicate("\n")[0] == "on\n"
