"""Our torch engine beside a plain PyTorch loop, in fresh processes, by turns: same precision, same threads."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from tests.conftest import engine_or_skip

SCRIPT = str(Path(__file__).parent / "torch_loop.py")


@pytest.mark.parametrize(("name", "batch", "size"), [("resnet18", "32", "96"), ("cifar_resnet20", "128", "32")])
def test_training_on_the_cpu(alone, benchmark, name, batch, size):
    """Images a second; the ratio is the median of rounds."""
    engine_or_skip("torch")
    rounds = []

    def turn() -> None:
        ours = alone(SCRIPT, "ours", name, "15", batch, size)
        plain = alone(SCRIPT, "plain", name, "15", batch, size)
        again = alone(SCRIPT, "ours", name, "15", batch, size)
        rounds.append((ours, plain, again))

    benchmark.pedantic(turn, rounds=3)
    for ours, plain, again in rounds:
        print(f"\n{name}: ours {ours:.1f} and {again:.1f}, a plain PyTorch loop {plain:.1f} images/s")
    ratio = statistics.median((ours + again) / 2 / plain for ours, plain, again in rounds)
    print(f"{name}: {ratio:.2f} times the plain PyTorch loop")
    benchmark.extra_info["ratio"] = ratio
