"""NVIDIA's multi-process service is started, used and ended; a program of the same name takes its place here."""

import sys

import pytest

from . import together

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
