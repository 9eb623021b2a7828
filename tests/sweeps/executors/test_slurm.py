"""Jobs of SLURM: under a SLURM of four shell scripts, and under submitit's own executor on this machine."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors.cluster import need
from resnet_lab.sweeps.executors.slurm import OnSlurm
from resnet_lab.sweeps.run import run
from tests.sweeps.executors.conftest import assert_same, parents
from tests.sweeps.test_run import Notes

pytest.importorskip("submitit", reason="submitit is not installed")

COMMANDS = {
    "sbatch": """
job=$((100 + $(ls "$FAKE"/*.sh 2>/dev/null | wc -l)))
cp "$1" "$FAKE/$job.sh"
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\)%.*/\\1/p' "$1")
for task in $(seq 0 "${last:-0}"); do
    export SLURM_JOB_ID=$((100 * job + task))
    if [ -n "$last" ]; then export SLURM_ARRAY_JOB_ID=$job SLURM_ARRAY_TASK_ID=$task; fi
    bash "$FAKE/$job.sh" >"$FAKE/$SLURM_JOB_ID.log" 2>&1 &
done
echo "Submitted batch job $job"
""",
    "srun": 'shift 5; exec "$@"\n',
    "sacct": 'echo "JobID|State"\n',
    "scancel": "",
}


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """SLURM's commands as scripts that run each task of a job array on this machine; the folder of the jobs."""
    (tmp_path / "bin").mkdir()
    for name, text in COMMANDS.items():
        script = tmp_path / "bin" / name
        script.write_text(f"#!/bin/bash\n{text}")
        script.chmod(0o755)
    (tmp_path / "jobs").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(tmp_path / "jobs"))
    return tmp_path / "jobs"


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
    ("seeds", "kills"), [(3, [2]), pytest.param(30, [2, 5, 11, 17, 18, 29], marks=pytest.mark.slow)]
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


@pytest.mark.slow
def test_a_trial_that_hangs_and_a_worker_that_is_killed_are_rows(tiny):
    table, _ = sweep("grid={data.trouble: [none, hangs, killed]}", "limits={trial: 30s, retries: 0}", at_once=3)
    assert table["status"].tolist() == ["ok", "timed_out", "failed"]
    assert "killed by signal 9" in table["reason"][2]


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


def test_jobs_that_sbatch_refuses(tiny, slurm):
    (slurm.parent / "bin" / "sbatch").write_text("#!/bin/bash\necho 'invalid partition specified' >&2; exit 1\n")
    with pytest.raises(LabError, match="the jobs cannot be submitted: .*invalid partition specified"):
        sweep(cluster="slurm")
