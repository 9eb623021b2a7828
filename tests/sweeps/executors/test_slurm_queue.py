"""Jobs of SLURM: under a SLURM of four shell scripts, and under submitit's own executor on this machine."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors.slurm import OnSlurm
from resnet_lab.sweeps.run import run
from resnet_lab.sweeps.sweep import Sweep
from tests.sweeps.executors.conftest import assert_same, parents
from tests.sweeps.pretending import Notes

pytest.importorskip("submitit", reason="submitit is not installed")


def sweep(*settings, results="results", **options):
    notes = Notes()
    cluster = OnSlurm({"cluster": "local", "time": "10m", "at_once": 2} | options)
    return run(load("e", settings), Path(results) / "e", notes, cluster=cluster), notes.lines


def test_a_sweep_is_one_job_array_and_gives_what_it_gives_here(tiny, slurm):
    settings = {"cluster": "slurm", "time": "2h", "at_once": 1000, "array_parallelism": 4, "partition": "short"}
    table, notes = sweep("seeds=2", **settings)
    assert table["status"].tolist() == ["ok"] * 2
    assert "slurm: jobs of at most 120 min with 1 thread(s) --partition=short" in notes
    [script] = slurm.glob("*.sh")
    options = script.read_text()
    for option in ("array=0-1%2", "partition=short", "time=120", "cpus-per-task=1", "job-name=resnet-lab-e"):
        assert f"#SBATCH --{option}\n" in options
    here = run(load("e", ["seeds=2"]), Path("here") / "e", Notes(), threads=1)
    assert here["trial"].tolist() == table["trial"].tolist()
    assert_same("results", "here")
    assert here["test_loss"].tolist() == table["test_loss"].tolist()
    assert here["device"].tolist() == table["device"].tolist()


def when_it_began(workspace, number):
    """Send a signal to the job of the first trial, in a thread, as soon as the trial's worker has begun."""
    thread = threading.Thread(target=lambda: os.kill(parents(workspace, 1)[0], number))
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("number", "told"),
    [
        pytest.param(signal.SIGKILL, "ended without a result", id="killed"),
        pytest.param(signal.SIGUSR2, "", id="preempted"),
    ],
)
@pytest.mark.slow
def test_a_job_that_is_killed_is_submitted_again_and_one_that_is_preempted_goes_on(tiny, number, told):
    thread = when_it_began(tiny, number)
    table, notes = sweep("data.trouble=slow")
    thread.join()
    assert table["status"].tolist() == ["ok"]
    assert len(parents(tiny)) == 2
    again = [note for note in notes if "it is tried again" in note]
    assert len(again) == bool(told)
    assert all(told in note for note in again)


@pytest.mark.parametrize(
    ("seeds", "kills"), [(2, [1]), pytest.param(30, [2, 5, 11, 17, 18, 29], marks=pytest.mark.slow)]
)
def test_a_run_goes_on_with_the_jobs_of_a_run_that_was_killed(tiny, seeds, kills):
    """Each run is killed when a number of trials have begun; no trial begins twice."""
    command = f"run e --set seeds={seeds} --set data.trouble=slow --slurm cluster=local,time=10m,at_once=2"
    for count in kills:
        first = subprocess.Popen([sys.executable, "-m", "resnet_lab", *command.split()], stdout=subprocess.DEVNULL)
        parents(tiny, count)
        first.kill()
        first.wait()
    table, notes = sweep(f"seeds={seeds}", "data.trouble=slow")
    assert table["status"].tolist() == ["ok"] * seeds, notes
    assert table["seed"].tolist() == list(range(seeds))
    assert len(parents(tiny)) == seeds
    left = {path.name for path in (tiny / "results" / "e" / "trials").glob("*/*")}
    assert left == {"trial.json", "result.json", "epochs.json", "weights.safetensors", "test.npz", "log.txt"}


def test_a_job_that_ends_while_a_run_begins_is_not_begun_again(tiny, monkeypatch):
    run(load("e"), Path("here") / "e", Notes(), threads=1)

    def ends(self, todo):
        shutil.copytree("here/e/trials", "results/e/trials", dirs_exist_ok=True)

    monkeypatch.setattr(Sweep, "_fetch", ends)
    table, _ = sweep()
    assert table["status"].tolist() == ["ok"]
    assert len(parents(tiny)) == 1


@pytest.mark.slow
def test_a_trial_that_hangs_and_a_worker_that_is_killed_are_rows(tiny):
    table, _ = sweep("grid={data.trouble: [none, hangs, killed]}", "limits={trial: 30s, retries: 0}", at_once=3)
    assert table["status"].tolist() == ["ok", "timed_out", "failed"]
    assert "killed by signal 9" in table["reason"][2]


def test_jobs_that_sbatch_refuses(tiny, slurm):
    (slurm.parent / "bin" / "sbatch").write_text("#!/bin/bash\necho 'invalid partition specified' >&2; exit 1\n")
    with pytest.raises(LabError, match="the jobs cannot be submitted: .*invalid partition specified"):
        sweep(cluster="slurm")
