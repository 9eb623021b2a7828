"""A process that measures speed: takes one order a line on standard input, and answers each in a line.

The orders come from run.py. The process ends when its input ends.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ... import engines
from ...base.errors import LabError, reason
from ...blocks.opaque import homes
from ...network.graph import Graph
from ...specs import plugins
from ...training import largest_batch, peers, speed
from ...training.speed import Setting
from ...training.trial import Place

Answer = dict[str, Any]


def main() -> int:
    """Answer orders until standard input ends; returns the exit status."""
    output = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to the standard error
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=output, flush=True)
    return 0


def answer(order: Mapping[str, Any]) -> Answer:
    """Carry out one order.

    Returns:
        What the function of the order's `kind` gives; `problem`, a mistake of a person; or `status` and `reason` if it
        failed or the memory was not sufficient.
    """
    settings = [_setting(values) for values in order["settings"]]
    engine = engines.get(settings[0].engine)
    engine.use_threads(settings[0].place.threads)
    try:
        return _ORDERS[order["kind"]](order, settings)
    except LabError as error:
        return {"problem": str(error)}
    except Exception as error:
        full = engine.out_of_memory(error)
        if not full:
            traceback.print_exc()
        return {"status": "out_of_memory" if full else "failed", "reason": reason(error)}
    finally:
        engine.clean_up()


def _peak(order: Mapping[str, Any], settings: list[Setting]) -> Answer:
    first = settings[0]
    return {"flops_per_s": speed.matrix_peak(first.engine, first.place, first.precision)}


def _alone(order: Mapping[str, Any], settings: list[Setting]) -> Answer:
    graph, warning = _graph(order["networks"][0])
    row = speed.alone(graph, settings[0], timed=order["timed"], latency=order["latency"])
    return {"status": "ok", "warning": warning, "macs": graph.macs, **row}


def _turns(order: Mapping[str, Any], settings: list[Setting]) -> Answer:
    graphs = [_graph(network)[0] for network in order["networks"]]
    samples = [speed.ready(graph, setting)[1] for graph, setting in zip(graphs, settings, strict=True)]
    times, noise = speed.turns(samples, settings[0].place.device)
    rows = [
        speed.columns(own, graph, setting) | noise for own, graph, setting in zip(times, graphs, settings, strict=True)
    ]
    return {"status": "ok", "seconds": [own.seconds for own in times], "rows": rows}


def _largest(order: Mapping[str, Any], settings: list[Setting]) -> Answer:
    fits = largest_batch.Fits(_graph(order["networks"][0])[0], settings[0])
    return {"status": "ok", "batch": largest_batch.largest(fits), "why": fits.why}


_ORDERS = {"peak": _peak, "alone": _alone, "turns": _turns, "largest": _largest}
"""The kinds of orders."""


def _setting(values: Mapping[str, Any]) -> Setting:
    return Setting(**{**values, "place": Place(**values["place"])})


def _graph(network: Mapping[str, Any]) -> tuple[Graph, str]:
    """The graph of a network of an order, and a warning about it; loads the files that register its own modules."""
    graph = Graph.from_json(network["graph"])
    if network["peer"]:
        return peers.graph(network["peer"], network["variant"], graph)
    for file in homes(graph):
        plugins.load_file(Path(file), (file, 1))
    return graph, ""
