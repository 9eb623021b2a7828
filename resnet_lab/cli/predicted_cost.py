"""What `resnet-lab describe --on here` adds: the predicted times and memory of training a network on this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..base.errors import LabError

if TYPE_CHECKING:
    from ..network.graph import Graph
    from ..training.cost_prediction import Calibration

LAYER_COLUMNS = ["train ms", "share", "kept MiB"]
"""The columns that `describe --layers` adds: the time of a training step, its share, and what the layer keeps for the
backward pass."""

_SLOWEST = 3
"""How many of the slowest layers the summary names."""


def costs_on(place: str | None, engine: str | None, batch_size: int | None, dtype: str | None) -> Costs | None:
    """Read the calibration that --on and its options ask for.

    Args:
        place: the value of --on; None if it is left out.
        engine: the value of --engine; `auto` if it is left out.
        batch_size: the value of --batch-size; 32 if it is left out.
        dtype: the value of --dtype; `float32` if it is left out.

    Returns:
        The costs on this machine; None without --on.

    Raises:
        LabError: --on is not `here`, an option is given without it, or this machine is not calibrated.
    """
    if place is None:
        for name, value in {"engine": engine, "batch-size": batch_size, "dtype": dtype}.items():
            if value is not None:
                raise LabError(f"--{name} works only together with --on here")
        return None
    if place != "here":
        raise LabError(f"--on predicts for this machine alone: write --on here, not --on {place}")
    from ..training.cost_prediction import load, this_machine

    return Costs(load(this_machine(engine or "auto", precision=dtype or "float32")), batch_size or 32)


class Costs:
    """Predicts the costs of networks on this machine, and writes them as `describe` prints them.

    Args:
        calibration: the measurements of this machine.
        batch: the images in a batch.
    """

    def __init__(self, calibration: Calibration, batch: int) -> None:
        self._calibration, self._batch = calibration, batch

    def as_json(self, graph: Graph) -> dict[str, Any]:
        """What `describe --json` adds to the object of a network: the key `on`."""
        found, calibration = self._calibration.predict(graph, self._batch), self._calibration
        layers = [
            {"name": name, "train_s": time, "infer_s": found.infer_layers[name], "kept_bytes": found.kept[name]}
            for name, time in found.train_layers.items()
        ]
        return {
            "on": {
                **asdict(calibration.here),
                "calibrated": calibration.made,
                "held_out_error": calibration.train.held_out_error,
                "batch_size": found.batch,
                "train_step_s": found.train_s,
                "train_images_per_s": found.train_images_per_s,
                "infer_batch_s": found.infer_s,
                "infer_images_per_s": found.infer_images_per_s,
                "peak_memory_bytes": found.peak_bytes,
                "weights_bytes": found.memory.weights,
                "optimizer_bytes": found.memory.state,
                "activation_bytes": found.memory.activations,
                "counted_like_relu": found.like_relu,
                "layers": layers,
            }
        }

    def layer_cells(self, graph: Graph) -> list[tuple[str, str, str]]:
        """For each layer the cells of `LAYER_COLUMNS`."""
        found = self._calibration.predict(graph, self._batch)
        times = [(node.name, found.train_layers[node.name]) for node in graph.layers]
        return [
            (f"{time * 1e3:.3f}", f"{time / found.train_s:.1%}", f"{found.kept[name] / 2**20:.2f}")
            for name, time in times
        ]

    def summary(self, graph: Graph) -> str:
        """The lines that `describe` prints below the table of a network."""
        found, calibration = self._calibration.predict(graph, self._batch), self._calibration
        slowest = sorted(graph.layers, key=lambda node: found.train_layers[node.name], reverse=True)[:_SLOWEST]
        named = ", ".join(f"{node.name} {found.train_layers[node.name] / found.train_s:.1%}" for node in slowest)
        memory, others = found.memory, calibration.other_load
        lines = [
            f"predicted on {calibration.here.text}, for a batch of {found.batch}:",
            f"training    {_time(found.train_s)} a step, {found.train_images_per_s:,.1f} images/s",
            f"inference   {_time(found.infer_s)} a batch, {found.infer_images_per_s:,.1f} images/s",
            f"memory      {_size(found.peak_bytes)} at the peak of training, with {_size(memory.weights)} of weights, "
            f"{_size(memory.state)} of momentum and {_size(memory.activations)} of activations",
            f"slowest     {named} of a training step",
            f"calibrated  {calibration.made} by {len(calibration.times)} small networks; the median error of each, "
            f"predicted by the others, was {calibration.train.held_out_error:.1%}",
        ]
        if calibration.is_disturbed:
            lines.append(f"warning     other programs used {others} cores during the calibration: make it again")
        if found.like_relu:
            lines.append(f"not known   counted as ReLUs of the same size: {', '.join(found.like_relu)}")
        return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
