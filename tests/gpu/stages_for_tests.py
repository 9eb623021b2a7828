"""What the stages of tests/gpu/test_stages.py do, each named by its stage."""

from __future__ import annotations

import subprocess
import sys
import time

from .job import Job


def run(job: Job) -> None:
    """Record a row, and then end well, fail, or sleep."""
    job.row(value=job.attempt)
    if job.stage == "fails":
        raise RuntimeError("no kernel image is available")
    if job.stage == "sleeps":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        job.row(child=child.pid)
        time.sleep(600)
