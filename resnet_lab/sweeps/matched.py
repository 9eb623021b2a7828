"""The folder `matched/` of an experiment's results: the specs that were solved, and the latencies that were measured.

A count gives the same spec every time; a measurement does not. What `match: latency` found is therefore kept, so that
a sweep that goes on trains the same networks.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import engines
from ..base import hardware
from ..base.errors import LabError
from ..base.files import read_json, write_json, write_text
from ..network.graph import Graph
from ..specs.experiment import ExperimentSpec
from ..specs.matching import TOLERANCE, Matched, match, rebuilt
from ..specs.variant import Variant
from ..training.latency import Latency
from ..training.trial import Place

_LATENCIES = "latency.json"


def write(matched: Sequence[Matched], results: Path) -> Iterator[str]:
    """Write each matched variant as a spec; the digest of the network tells several of one name apart.

    Args:
        matched: what a plan matched.
        results: the experiment's own folder of results, which is there.

    Yields:
        A line about each variant.
    """
    folder = results / "matched"
    names = Counter(found.variant.name for found in matched)
    for found in matched:
        folder.mkdir(exist_ok=True)
        name = found.variant.name
        file = folder / (f"{name}.yaml" if names[name] == 1 else f"{name}-{found.graph.digest[:8]}.yaml")
        write_text(file, found.as_yaml())
        yield f"{found.summary}; its spec is {file}"
    measured = {found.key: {"values": found.values, "note": found.note, "cost": found.cost} for found in matched}
    measured.pop("", None)
    if measured:
        write_json(folder / _LATENCIES, known(results) | measured)


def known(results: Path) -> dict[str, Any]:
    """What `match: latency` found earlier, by the key of its measurement.

    Raises:
        LabError: The file is damaged. Another measurement would give other networks, so a person has to decide.
    """
    file = results / "matched" / _LATENCIES
    try:
        kept: dict[str, Any] = read_json(file)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LabError(f"is damaged ({error}); remove it to measure the latencies anew", file=file) from None
    return kept


def by_latency(
    variant: Variant,
    graph: Graph,
    baseline: Graph,
    spec: ExperimentSpec,
    engine: str,
    device: str,
    kept: Mapping[str, Any],
) -> Matched:
    """Match a variant's latency to that of the baseline, or take what an earlier run found on this machine.

    Args:
        variant: the variant.
        graph: its network as written, for this input and these classes.
        baseline: the baseline's network.
        spec: the experiment; the batch size is that of its training.
        engine: the name of the engine.
        device: the device as the experiment or the command line names it.
        kept: what `known` gave.

    Raises:
        LabError: The engine cannot run here, the machine is not quiet, or no width is near enough.
    """
    assert spec.match is not None
    runs = engines.get(engine)
    problem = runs.problem()
    if problem:
        raise LabError(f"the engine '{engine}' cannot run here: {problem}")
    chosen, _ = runs.device(device)
    place = Place(chosen, runs.compiling(spec.compile, chosen)[0], hardware.threads_in_use())
    content = [graph.digest, baseline.digest, spec.match.by, spec.train.batch_size, spec.precision, engine]
    content += [runs.version(), place.device, place.compile, place.threads, hardware.processor()]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
    if key in kept:
        return replace(rebuilt(variant, kept[key]["values"], kept[key]["note"], kept[key]["cost"], graph), key=key)
    latency = Latency(engine, place, spec.precision, spec.train.batch_size, baseline)
    latency.check_quiet()
    found = match(variant, baseline, spec.match, graph.input, graph.output[0], latency)
    again = latency(found.graph)
    if abs(again - 1) > TOLERANCE["latency"]:
        raise LabError(
            f"the latency of {variant.name} cannot be matched now: its network took {found.cost:.3f} times as long as "
            f"the baseline, and measured again {again:.3f} times; try again when nothing else runs, or match macs"
        )
    latency.check_quiet()
    return replace(found, cost=again, key=key)
