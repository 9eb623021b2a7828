"""Our MXNet engine and `describe` beside plain Gluon, in fresh processes, by turns."""

from __future__ import annotations

import compileall
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, engine_or_skip

HERE = Path(__file__).parent


@pytest.mark.parametrize("rounds", [3])
def test_training_resnet18_at_96(alone, benchmark, rounds):
    """Images a second, batch 32: out of the box, and with the same threads. Each ratio is a median of rounds."""
    engine_or_skip("mxnet")
    from resnet_lab.base.hardware import cores

    size = ("15", "32", "96")
    found: dict[str, list[float]] = {"box": [], "same": []}
    speeds = []

    def turn() -> None:
        ours = alone(str(HERE / "our_loop.py"), *size)
        plain = alone(str(HERE / "gluon_loop.py"), *size)
        same = alone(str(HERE / "gluon_loop.py"), *size, OMP_NUM_THREADS=str(cores()))
        again = alone(str(HERE / "our_loop.py"), *size)
        found["box"].append((ours + again) / 2 / plain)
        found["same"].append((ours + again) / 2 / same)
        speeds.append((ours, plain, same, again))

    benchmark.pedantic(turn, rounds=rounds)
    for ours, plain, same, again in speeds:
        print(f"\nours {ours:.1f} and {again:.1f}, Gluon {plain:.1f}, Gluon with {cores()} threads {same:.1f} images/s")
    print(
        f"out of the box {statistics.median(found['box']):.2f} times, same threads "
        f"{statistics.median(found['same']):.2f} times the plain Gluon loop"
    )
    benchmark.extra_info.update({key: statistics.median(value) for key, value in found.items()})


def test_describing_resnet152(benchmark):
    """Seconds from the shell and back: `describe` against building in Gluon-CV and printing its summary."""
    engine_or_skip("mxnet")

    def seconds(*words: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], capture_output=True, check=True)
        return time.perf_counter() - start

    compileall.compile_dir(ROOT / "resnet_lab", quiet=1)  # as pip does when it installs; Gluon-CV is compiled already
    pairs = []

    def turn() -> None:
        pairs.append((seconds("-m", "resnet_lab", "describe", "resnet152"), seconds(str(HERE / "gluon_summary.py"))))

    benchmark.pedantic(turn, rounds=3)
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"\ndescribe {ours:.2f} s, Gluon-CV {theirs:.2f} s: {theirs / ours:.1f} times as fast")
    benchmark.extra_info["ratio"] = theirs / ours
