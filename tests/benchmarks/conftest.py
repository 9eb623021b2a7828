"""Benchmarks print ratios of one run; none of them asserts a time. `make bench` runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def alone() -> Callable[..., Any]:
    """Run a file in a fresh process, so that imports and threads are as a person has them out of the box."""

    def call(script: str, *words: str, **env: str) -> Any:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "MXNET_", "MKL_"))}
        done = subprocess.run(
            [sys.executable, script, *words], capture_output=True, text=True, env=clean | env, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return call


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "benchmarks" in str(item.path):
            item.add_marker("benchmark")
