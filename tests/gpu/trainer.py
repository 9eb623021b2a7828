"""Trains cifar_resnet20 beside other processes: prints `ready`, waits for a line, then prints its images/s.

Words: the device, the number of processes beside each other, and `tiny` or `full`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import resnet_lab as rl
from resnet_lab.base import hardware

from .cifar import epochs, noise_feed
from .job import Job
from .turns import our_model


def main(words: Sequence[str]) -> None:
    """Train until enough seconds are over, whole epochs of a small dataset in the memory of the device."""
    device, count, size = words
    job = Job("together", 1, Path(), device, size == "tiny")
    job.engine.use_threads(hardware.threads(int(count)))
    graph = rl.graph("cifar_resnet20", input=(3, 32, 32), classes=10)
    mode = job.engine.compiling("auto", device)[0]
    feed = noise_feed(job.size(128, 12_800), job.size(32, 128))
    turn = epochs(our_model(job, graph, "bfloat16", mode), feed)
    turn()
    print("ready", flush=True)
    sys.stdin.readline()
    start, images = time.perf_counter(), 0
    while time.perf_counter() - start < job.size(1.0, 8.0):
        turn()
        images += feed.steps * feed.batch_size
    print(json.dumps(images / (time.perf_counter() - start)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
