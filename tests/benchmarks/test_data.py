"""Our input beside others', in fresh processes, by turns: the same pictures, batch and number of processes."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from tests.conftest import engine_or_skip

SCRIPT = str(Path(__file__).parent / "loaders.py")
OTHERS = ("iter", "gluon", "torch_opencv", "torch_pillow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("loaders")


@pytest.mark.parametrize(("task", "images"), [("crops", "3000"), ("cifar", "60000")])
def test_from_jpeg_to_a_batch(alone, benchmark, shared_data, folder, task, images):
    """Images a second; each ratio is the median of rounds. One thread a process, as a trial's workers have."""
    for name in ("mxnet", "torch"):
        engine_or_skip(name)
    pytest.importorskip("cv2")
    from resnet_lab.base.hardware import cores

    if not (folder / "cifar.rec").is_file():
        print(f"\n500-pixel pictures of {alone(SCRIPT, 'make', str(folder)) / 1000:.0f} kB on average")
    whose = ("ours", "ours_pillow", "ours_mxnet", *OTHERS)
    found: dict[str, list[float]] = {name: [] for name in whose}

    def turn() -> None:
        for name in whose:
            found[name].append(alone(SCRIPT, name, task, str(folder), str(cores()), "64", images, OMP_NUM_THREADS="1"))

    benchmark.pedantic(turn, rounds=5)
    for name, values in found.items():
        print(f"\n{task}, {name}: {', '.join(f'{value:.0f}' for value in values)} images/s", end="")
    print()
    for name in OTHERS:
        mine = found["ours" if name.startswith("torch") else "ours_mxnet"]
        ratio = statistics.median(a / b for a, b in zip(mine, found[name], strict=True))
        benchmark.extra_info[name] = ratio
        print(f"{task}: ours {ratio:.2f} times {name}")
    best = [max(values) for values in zip(*(found[name] for name in OTHERS), strict=True)]
    for name in ("ours", "ours_mxnet", "ours_pillow"):
        ratio = statistics.median(a / b for a, b in zip(found[name], best, strict=True))
        print(f"{task}: {name} {ratio:.2f} times the best of the others in each round")


@pytest.mark.parametrize("name", ["mxnet", "torch"])
def test_training_from_memory_against_synthetic_data(alone, benchmark, shared_data, name):
    """cifar_resnet20, batch 128, CPU, turns of ten steps in one process; the ratio is the median of the turns."""
    engine_or_skip(name)
    found: list[tuple[float, float]] = []
    script = str(Path(__file__).parent / "memory_loop.py")
    benchmark.pedantic(lambda: found.extend(alone(script, name, "12", "10")), rounds=1)
    ratio = statistics.median(memory / synthetic for memory, synthetic in found)
    memory, synthetic = (statistics.median(column) for column in zip(*found, strict=True))
    print(f"\n{name}: {memory:.0f} images/s from memory, {synthetic:.0f} on synthetic data; ratio {ratio:.3f}")
    benchmark.extra_info["ratio"] = ratio
