"""The cores, threads and memory that this process may use, and the hardware and versions that a run reports."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path


def cores() -> int:
    """Return how many processor cores this process may use, by its affinity and its cgroup's quota."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        allowed = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            allowed = min(allowed, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass
    return allowed


def threads(jobs: int = 1) -> int:
    """Return the number of threads for each of `jobs` trials that run side by side: an equal share of the cores."""
    return max(1, cores() // jobs)


def threads_in_use(default: int | None = None) -> int:
    """Return the number of threads that OMP_NUM_THREADS states; of a list such as `4,2` the first number counts.

    Args:
        default: the number to return if the variable states none; None means one thread for each core.
    """
    word = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(word) if word.isdecimal() and int(word) else default or threads()


@contextmanager
def openmp_threads(count: int) -> Iterator[None]:
    """Give OMP_NUM_THREADS the value `count` while a framework is imported, unless the person set the variable.

    A framework reads the variable once, at its import. Afterwards the variable is removed again, so that a process
    that is started later does not inherit a choice which the person did not make.
    """
    if os.environ.get("OMP_NUM_THREADS"):
        yield
        return
    os.environ["OMP_NUM_THREADS"] = str(count)
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]


def peak_resident() -> int:
    """Return the largest resident memory that this process has had, in bytes; that of its parent does not count."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def forget_peak() -> None:
    """Let `peak_resident` begin anew, with the memory that this process uses now; only Linux can do that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def resident() -> int:
    """Return the resident memory of this process, in bytes."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def resident_with_children() -> int:
    """Return the resident memory of this process and of all that it started, in bytes; shared memory counts twice."""
    import psutil

    total = resident()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            total += int(child.memory_info().rss)
    return total


def give_back_memory() -> None:
    """Give memory that Python objects no longer use back to the system; only with the GNU C library."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def memory() -> int:
    """Return the memory of this machine, in bytes."""
    import psutil

    return int(psutil.virtual_memory().total)


def available_memory() -> int:
    """Return the memory that this process can still get without swapping, in bytes, also by its cgroup's limit."""
    import psutil

    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # no cgroup of version 2, or "max": no limit
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        free = min(free, limit - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    return free


@cache
def processor() -> str:
    """Return the name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@cache
def revision() -> str:
    """Return the git revision of the working directory, with `+` if tracked files have changed; '' outside git."""
    try:
        head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, timeout=10)
        state = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return head.stdout.strip() + ("+" if state.stdout.strip() else "") if head.returncode == 0 else ""


@cache
def gpus() -> list[dict[str, str]]:
    """List NVIDIA's GPUs with name, compute capability, driver and memory; empty if nvidia-smi is missing or fails."""
    keys = {"name": "name", "capability": "compute_cap", "driver": "driver_version", "memory": "memory.total"}
    query = f"--query-gpu={','.join(keys.values())}"
    try:
        answer = subprocess.run(
            ["nvidia-smi", query, "--format=csv,noheader"], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if answer.returncode != 0:
        return []
    return [dict(zip(keys, map(str.strip, line.split(",")), strict=False)) for line in answer.stdout.splitlines()]


def mps_runs() -> bool:
    """Return whether CUDA's Multi-Process Service runs, by which the kernels of several processes share a GPU."""
    pipes = Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"))
    return (pipes / "control").exists()


def version(package: str) -> str:
    """Return the installed version of a package, or '' if the package is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
