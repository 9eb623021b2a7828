"""Several trainings of cifar_resnet20 as replicas in one network, in turns with the same trainings in sequence.

`python -m tests.gpu.replicas` runs one comparison; the stage `together` runs it for several numbers of replicas.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import resnet_lab as rl
from resnet_lab.data import Feed
from resnet_lab.network.graph import Graph
from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.training.epoch import train_epoch

from .cifar import epochs, noise_feed
from .job import Job
from .turns import RATE, Turn, check_mode, our_model, take_turns


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and record a row for each program and compile mode."""
    options = _parser().parse_args(words)
    job = Job("together", options.attempt, options.out, options.device, options.tiny, options.until)
    measure(job, options.count, options.images, options.extent, options.precision, options.alone)


def measure(job: Job, count: int, images: int, extent: int, precision: str, alone: float) -> None:
    """Measure the replicas, and as many trainings in sequence.

    The trainings in sequence are epochs of one model, so that no time of their start and of compiling counts.

    Args:
        job: the job.
        count: the number of trainings.
        images: the images of an epoch of each training.
        extent: their height and width in pixels.
        precision: the precision of computation.
        alone: the images per second of one process, for the column `of_one_process`; 0 if they are not known.
    """
    graph = rl.graph("cifar_resnet20", input=(3, extent, extent), classes=10)
    feed = noise_feed(job.size(128, images), job.size(32, 128), extent)
    feeds = [replace(feed, seed=seed) for seed in range(count)]
    makers: dict[str, Callable[[], Turn]] = {}
    for mode in job.compile_modes():

        def sequence(mode: str = mode) -> Turn:
            return _sequence(job, graph, feeds, precision, mode)

        def replicas(mode: str = mode) -> Turn:
            return _replicas(job, graph, feeds, precision, mode)

        makers[f"sequence {mode}"], makers[f"replicas {mode}"] = sequence, replicas
    results = take_turns(makers, count * feed.steps * feed.batch_size, job.size(1, 5), job.until)
    for name, result in results.items():
        program, _, mode = name.partition(" ")
        row: dict[str, Any] = {
            "program": program,
            "trainings": count,
            "compile": mode,
            "precision": precision,
            **result,
        }
        speed, other = result.get("images_per_s"), results[f"sequence {mode}"].get("images_per_s")
        if speed and alone:
            row["of_one_process"] = speed / alone
        if speed and other and program == "replicas":
            row["of_sequence"] = speed / other
        job.row(**row)


def _sequence(job: Job, graph: Graph, feeds: Sequence[Feed], precision: str, mode: str) -> Turn:
    """A turn of one epoch of each training, one after another."""
    model = our_model(job, graph, precision, mode)
    turns = [epochs(model, feed) for feed in feeds]

    def turn() -> None:
        for each in turns:
            each()

    return turn


def _replicas(job: Job, graph: Graph, feeds: Sequence[Feed], precision: str, mode: str) -> Turn:
    """A turn of one epoch of all replicas; each turn is another epoch."""
    job.engine.compiling(mode, job.device)
    from resnet_lab.engines.torch.replicas import ReplicasModel

    model = ReplicasModel(graph, len(feeds), job.device, precision, mode)
    model.load_replicas([initial(graph, feed.seed) for feed in feeds])
    model.prepare(Sgd(momentum=0.9, weight_decay=1e-4))
    number = 0

    def turn() -> None:
        nonlocal number
        batches: Any = [feed.epoch(number) for feed in feeds]
        train_epoch(model, batches, [RATE] * feeds[0].steps, number, lambda images, loss: None)
        check_mode(model)
        number += 1

    return turn


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.replicas", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the record")
    parser.add_argument("--count", type=int, default=4, help="the number of trainings (4)")
    parser.add_argument("--device", default="cpu", help="cpu or gpu:N (cpu)")
    parser.add_argument("--images", type=int, default=12_800, help="the images of an epoch of each training (12800)")
    parser.add_argument("--extent", type=int, default=32, help="height and width of the images in pixels (32)")
    parser.add_argument("--precision", default="bfloat16", help="float32 or bfloat16 (bfloat16)")
    parser.add_argument("--tiny", action="store_true", help="everything as small as possible")
    parser.add_argument("--attempt", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--alone", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, default=math.inf, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
