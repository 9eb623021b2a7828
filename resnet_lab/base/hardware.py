"""What this process may use: cores, threads, memory; and where a run took place."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


def cores() -> int:
    """Processor cores that this process may use, by its affinity and its cgroup's quota."""
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
    """Threads for one of `jobs` trials that run side by side: its share of the cores."""
    return max(1, cores() // jobs)


def threads_in_use(otherwise: int | None = None) -> int:
    """The threads that OMP_NUM_THREADS asks for (`4`, or `4,2`, of which the first counts), else `otherwise`."""
    word = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(word) if word.isdecimal() and int(word) else otherwise or threads()


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
    """Bytes: the most memory that this process has held, its parent's before it not counted."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def resident() -> int:
    """Bytes of memory that this process holds now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def memory() -> int:
    """Bytes of memory in this machine."""
    import psutil

    return int(psutil.virtual_memory().total)


@cache
def processor() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@cache
def revision() -> str:
    """The git revision of the working directory, with `+` where files differ from it; '' outside git."""
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
    """NVIDIA's GPUs as their driver tells: name, compute capability, driver and memory; none where it does not."""
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


def version(package: str) -> str:
    """The installed version of a package, '' where there is none."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
