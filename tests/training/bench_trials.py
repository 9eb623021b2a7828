"""Trials of the verdicts of `resnet-lab bench`: a network against itself, and against itself with a slow layer.

    python -m tests.training.bench_trials 20

times the CIFAR ResNet-20 20 times in turns with itself, then 20 times with a copy whose dense layer sleeps for a tenth
of a training step, and prints the words and the ratios as JSON. Only the engine `torch`: a sleep in a lowering of
MXNet would run once, when the graph is made.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import resnet_lab as rl
from resnet_lab import engines
from resnet_lab.base import hardware
from resnet_lab.network.graph import Graph
from resnet_lab.results.speed_verdict import SpeedVerdict, judge
from resnet_lab.training import speed
from resnet_lab.training.speed import Setting
from resnet_lab.training.timing import measure
from resnet_lab.training.trial import Place

SLOWER = 0.1
"""The planted slow-down, as a share of a step."""


@contextmanager
def sleeping(seconds: float) -> Iterator[None]:
    """Inside the context, dense layers are lowered so that each forward pass sleeps."""
    from resnet_lab.engines.torch.lowering import LOWERINGS

    dense = LOWERINGS["dense"]

    def late(x: Any) -> Any:
        time.sleep(seconds)
        return x

    LOWERINGS["dense"] = lambda program, *rest: program.fx.call_function(late, (dense(program, *rest),))
    try:
        yield
    finally:
        LOWERINGS["dense"] = dense


def against_itself(graph: Graph, setting: Setting, slower: float = 0.0) -> SpeedVerdict:
    """Time a network in turns with itself; the second one sleeps for this share of a step."""
    _, first = speed.ready(graph, setting)
    if slower:
        with sleeping(slower * measure(first, window=3, least=10, most=10).median):
            _, second = speed.ready(graph, setting)
    else:
        _, second = speed.ready(graph, setting)
    (one, other), _ = speed.turns([first, second], setting.place.device)
    return judge(one.seconds, other.seconds)


def main(count: int) -> None:
    """Run both series, and print a line for each."""
    engines.get("torch").use_threads(hardware.threads_in_use())
    place = Place("cpu", "off", hardware.threads_in_use())
    graph = rl.graph("cifar_resnet20", (3, 32, 32))
    setting = Setting("torch", place, "float32", "train", 4)
    for slower in (0.0, SLOWER):
        begin = time.perf_counter()
        found = []
        for _ in range(count):
            found.append(against_itself(graph, setting, slower))
            print(slower, found[-1], file=sys.stderr, flush=True)
        words = dict(Counter(one.word for one in found))
        ratios = [[round(value, 3) for value in (one.low, one.ratio, one.high)] for one in found]
        seconds = time.perf_counter() - begin
        print(json.dumps({"slower": slower, "words": words, "seconds": round(seconds), "ratios": ratios}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
