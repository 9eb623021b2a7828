"""Processes under NVIDIA's multi-process service, whose place a program of the same name takes here, and replicas."""

import sys

import pytest

from tests.conftest import engine_or_skip

from . import replicas, together
from .job import Job

SERVICE = """#!{python}
import os, pathlib, sys, time
quit = pathlib.Path(os.environ["CUDA_MPS_PIPE_DIRECTORY"]) / "quit"
if "-f" not in sys.argv:
    whole = quit.with_suffix(".part")
    whole.write_text(sys.stdin.read())
    whole.rename(quit)
    sys.exit()
if {fails}:
    sys.exit(3)
pathlib.Path({log!r}).write_text("started")
while not quit.exists():
    time.sleep(0.05)
pathlib.Path({log!r}).write_text(quit.read_text())
"""


@pytest.fixture
def service(tmp_path, monkeypatch):
    def make(fails):
        log = tmp_path / "log"
        program = tmp_path / together.CONTROL
        program.write_text(SERVICE.format(python=sys.executable, fails=fails, log=str(log)))
        program.chmod(0o755)
        monkeypatch.setattr(together, "CONTROL", str(program))
        return log

    return make


def test_the_service_runs_while_it_is_used_and_is_asked_to_quit(service):
    log = service(False)
    with together._mps() as env:
        assert log.read_text() == "started"
        assert set(env) == {"CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"}
    assert log.read_text() == "quit\n"


def test_a_service_that_does_not_start_is_an_error(service):
    service(True)
    with pytest.raises(RuntimeError, match="exit status 3"), together._mps():
        pass


@pytest.fixture
def rows(monkeypatch):
    found = []
    monkeypatch.setattr(Job, "row", lambda self, **values: found.append(values))
    return found


def test_a_failure_of_the_replicas_is_a_row(tmp_path, monkeypatch, rows):
    failing = {"args": [sys.executable, "-c", "raise SystemExit(3)"]}
    monkeypatch.setattr(together, "command", lambda *words: failing)
    together._in_one_network(Job("together", 1, tmp_path, "cpu", True), 8, 100.0)
    assert rows == [{"program": "replicas", "trainings": 8, "problem": "exit status 3; see together.log"}]


def test_replicas_are_measured_beside_the_trainings_in_sequence(tmp_path, rows):
    engine_or_skip("torch")
    replicas.measure(Job("together", 1, tmp_path, "cpu", True), 2, 0, 8, "float32", 100.0)
    assert [(row["program"], row["trainings"], row["compile"]) for row in rows] == [
        ("sequence", 2, "off"),
        ("replicas", 2, "off"),
    ]
    sequence, together = rows
    assert together["of_sequence"] == pytest.approx(together["images_per_s"] / sequence["images_per_s"])
    assert together["of_one_process"] == pytest.approx(together["images_per_s"] / 100)
