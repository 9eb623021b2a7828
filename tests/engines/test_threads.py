"""A worker's share of the cores: what an engine is given counts, and no later process inherits it."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PROBE = """
import ctypes, os
import resnet_lab as rl
from resnet_lab import engines
engines.get("{engine}").use_threads(3)
rl.build("cifar_resnet20", engine="{engine}", device="cpu")
import {engine} as framework
threads = framework.get_num_threads() if "{engine}" == "torch" else ctypes.CDLL("libgomp.so.1").omp_get_max_threads()
print(threads, os.environ.get("OMP_NUM_THREADS"), flush=True)
os._exit(0)  # an ordinary end takes the framework to pieces first
"""


@pytest.mark.parametrize(("given", "expected"), [(None, "3 None"), ("2", "2 2")])
def test_an_engine_uses_its_threads_and_leaves_the_environment_alone(engine, given, expected):
    env = {**os.environ, "PYTHONPATH": str(ROOT)} | ({"OMP_NUM_THREADS": given} if given else {})
    if given is None:
        env.pop("OMP_NUM_THREADS", None)
    words = [sys.executable, "-c", PROBE.format(engine=engine.name)]
    done = subprocess.run(words, capture_output=True, text=True, env=env, cwd=ROOT)
    assert done.stdout.strip() == expected, done.stderr[-500:]
