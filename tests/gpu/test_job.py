"""What a record states about the machine, and which compile modes are compared."""

import pytest

from tests.conftest import engine_or_skip

from . import job
from .job import Job


def test_the_clocks_are_those_that_nvidia_smi_prints(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert job.clocks() == ""
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "1980 MHz, 3201 MHz, 1980 MHz, 35, 120.5 W"\necho "$1"\n')
    program.chmod(0o755)
    clocks, query = job.clocks().split("; ")
    assert clocks == "1980 MHz, 3201 MHz, 1980 MHz, 35, 120.5 W"
    assert query == "--query-gpu=clocks.sm,clocks.mem,clocks.max.sm,temperature.gpu,power.draw"


def test_a_copy_without_git_states_the_given_revision():
    assert job.machine("abc")["revision"] == "abc"


@pytest.mark.parametrize(
    ("device", "tiny", "modes"),
    [("cpu", False, ("off",)), ("cpu", True, ("off",)), ("gpu:0", True, ("off", "step-eager"))],
)
def test_nothing_is_compiled_on_a_cpu_or_in_a_tiny_rehearsal(tmp_path, device, tiny, modes):
    assert Job("s", 1, tmp_path, device, tiny).compile_modes() == modes


def test_a_gpu_compares_the_modes_of_the_engine(tmp_path):
    engine_or_skip("torch")
    modes = Job("s", 1, tmp_path, "gpu:0", False).compile_modes()
    assert {"off", "default", "reduce-overhead", "step", "step-eager"} == set(modes)
