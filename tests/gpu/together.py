"""Stage `together`: several trainings on one GPU at once, each in a process of its own, with and without MPS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from .job import Job
from .stages import command

CONTROL = "nvidia-cuda-mps-control"
"""The program of NVIDIA's multi-process service (MPS), which lets the kernels of several processes run at once."""


def run(job: Job) -> None:
    """Measure 1, 8, 4 and 2 processes; one row for each number, first without and then with MPS."""
    counts = job.size((1, 2), (1, 8, 4, 2))
    alone = 0.0
    for count in counts:
        speeds = _together(job, count, {})
        alone = alone or sum(speeds)
        _record(job, count, "off", speeds, alone)
    if job.device == "cpu" or shutil.which(CONTROL) is None:
        job.row(mps="on", problem="the device is the CPU" if job.device == "cpu" else f"there is no {CONTROL}")
        return
    try:
        with _mps() as env:
            for count in counts[1:]:
                _record(job, count, "on", _together(job, count, env), alone)
    except RuntimeError as error:
        job.row(mps="on", problem=str(error))


def _record(job: Job, count: int, mps: str, speeds: list[float], alone: float) -> None:
    job.row(
        **{"mps": mps, "processes": count, "images_per_s": sum(speeds), "slowest": min(speeds)},
        fastest=max(speeds),
        of_one_process=sum(speeds) / alone,
    )


def _together(job: Job, count: int, env: Mapping[str, str]) -> list[float]:
    """Images per second of each of `count` processes that train at the same time.

    Raises:
        RuntimeError: a process has failed.
    """
    words = command("tests.gpu.trainer", job.device, str(count), "tiny" if job.tiny else "full")
    words["env"] |= env
    processes = [
        subprocess.Popen(**words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    try:
        for process in processes:  # all are compiled and warm before the first one is measured
            _line(process)
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [float(json.loads(_line(process))) for process in processes]
    finally:
        for process in processes:
            with suppress(BrokenPipeError):
                process.stdin.close() if process.stdin else None
            process.wait()


def _line(process: Any) -> str:
    line: str = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a training ended with exit status {process.wait()}; see together.log")
    return line


@contextmanager
def _mps() -> Iterator[dict[str, str]]:
    """Run the service while the body runs; yields the variables that its users need.

    The service is a child of this stage, so it ends with the stage. No setting of the GPU is changed.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        env = {"CUDA_MPS_PIPE_DIRECTORY": folder, "CUDA_MPS_LOG_DIRECTORY": folder}
        service = subprocess.Popen([CONTROL, "-f"], env={**os.environ, **env})
        try:
            time.sleep(2)
            if service.poll() is not None:
                raise RuntimeError(f"{CONTROL} ended with exit status {service.returncode}")
            yield env
        finally:
            with suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run([CONTROL], input="quit\n", text=True, env={**os.environ, **env}, timeout=20)
                service.wait(20)
            service.terminate()
            service.wait()
