"""Stage `together`: several trainings on one GPU at once.

They run in a process each, with and without MPS, and as replicas in one network (replicas.py) in one process.
"""

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
    """Measure one training, and then 8, 4 and 2 in each form, so that the comparison of 8 is there first."""
    alone = sum(_processes(job, 1, "off", 0.0, {}))
    for count in job.size((2,), (8, 4, 2)):
        _processes(job, count, "off", alone, {})
        _with_mps(job, count, alone)
        _in_one_network(job, count, alone)


def _with_mps(job: Job, count: int, alone: float) -> None:
    """Measure processes under MPS; a reason why the service does not run is a row."""
    problem = "the device is the CPU" if job.device == "cpu" else ""
    if not problem and shutil.which(CONTROL) is None:
        problem = f"there is no {CONTROL}"
    if not problem:
        try:
            with _mps() as env:
                _processes(job, count, "on", alone, env)
        except RuntimeError as error:
            problem = str(error)
    if problem:
        job.row(program="processes", trainings=count, mps="on", problem=problem)


def _in_one_network(job: Job, count: int, alone: float) -> None:
    """Measure replicas in one network, in a process of its own, which writes the rows; its failure is a row."""
    words = ["--out", str(job.folder), "--attempt", str(job.attempt), "--device", job.device, "--count", str(count)]
    words += ["--alone", str(alone), "--until", str(job.until), *(["--tiny"] if job.tiny else [])]
    status = subprocess.run(**command("tests.gpu.replicas", *words)).returncode
    if status:
        job.row(program="replicas", trainings=count, problem=f"exit status {status}; see together.log")


def _processes(job: Job, count: int, mps: str, alone: float, env: Mapping[str, str]) -> list[float]:
    """Measure processes side by side, and record their row; returns the images per second of each."""
    speeds = _together(job, count, env)
    job.row(
        **{"program": "processes", "trainings": count, "mps": mps},
        **{"images_per_s": sum(speeds), "slowest": min(speeds), "fastest": max(speeds)},
        of_one_process=sum(speeds) / (alone or sum(speeds)),
    )
    return speeds


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
