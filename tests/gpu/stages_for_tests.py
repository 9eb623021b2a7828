"""What the stages of tests/gpu/test_stages.py do, each named by its stage."""

from __future__ import annotations

import subprocess
import sys
import time

from .job import NO_TIME, Job


def run(job: Job) -> None:
    """Record a row, and then end well, leave something out, fail, or sleep."""
    job.row(value=job.attempt, seconds=job.until - time.monotonic())
    if job.stage == "leaves_out":
        job.row(problem=NO_TIME)
    if job.stage == "fails":
        raise RuntimeError("no kernel image is available")
    if job.stage == "sleeps":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        job.row(child=child.pid)
        time.sleep(600)
