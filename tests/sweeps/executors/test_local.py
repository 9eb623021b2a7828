"""The local executor: what a worker's death means, and what a worker may import."""

import os
import subprocess
import sys

import pytest

from resnet_lab.sweeps.executors.local import COMMAND, death
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("code", "before", "after", "status", "words"),
    [
        (0, {}, {}, "failed", "ended with exit status 0"),
        (-9, {"vmstat": 3}, {"vmstat": 4}, "out_of_memory", "the kernel killed the worker"),
        (-9, {"vmstat": 3}, {"vmstat": 3}, "failed", "was killed by signal 9"),
        (-9, {}, {}, "failed", "was killed by signal 9"),
        (-9, {}, {"vmstat": 4}, "failed", "was killed by signal 9"),  # when it began, the counter could not be read
        (-11, {"vmstat": 3}, {"vmstat": 4}, "failed", "ended with signal 11"),
        (3, {}, {}, "failed", "ended with exit status 3"),
    ],
)
def test_a_death_is_out_of_memory_only_on_evidence(tmp_path, code, before, after, status, words):
    found, reason = death(code, tmp_path / "log.txt", before, after)
    assert found == status
    assert words in reason
    assert str(tmp_path / "log.txt") in reason


@pytest.mark.parametrize("safe", [{}, {"PYTHONSAFEPATH": "1"}])
def test_a_file_of_the_working_directory_stands_for_no_module_of_python(tmp_path, safe):
    """PYTHONSAFEPATH is unknown to Python 3.10, so the command itself must keep the working directory away."""
    (tmp_path / "random.py").write_text("raise SystemExit('shadowed')\n")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND],
        cwd=tmp_path,
        env=environment | safe | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")  # a worker that is given no trial
