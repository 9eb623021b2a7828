"""Stage `imagenet`: training ResNet-50 at 224 pixels in bfloat16, beside the networks of timm and torchvision."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import resnet_lab as rl
from resnet_lab.engines.torch.compiling import WHOLE_STEP
from resnet_lab.network.graph import Graph

from .job import Job, missing
from .turns import Turn, compute_alone, forget_compiled, our_model, plain_loop, take_turns

NETWORK = "resnet50_v1b"
"""Our variant with the same layers as the ResNet-50 of timm and of torchvision: the stride is on the 3x3."""

PRECISION = "bfloat16"


def run(job: Job) -> None:
    """Measure each batch size in turns; one row for each program."""
    size, steps, turns = job.size(32, 224), job.size(1, 20), job.size(2, 5)
    for batch in job.size((2,), (256, 128, 512)):
        results = take_turns(_makers(job, size, batch, steps), batch * steps, turns, job.until)
        others = [
            found["images_per_s"]
            for name, found in results.items()
            if not name.startswith("ours") and "images_per_s" in found
        ]
        for name, found in results.items():
            row: dict[str, Any] = {"batch_size": batch, "size": size, "precision": PRECISION, "program": name, **found}
            if others and name.startswith("ours") and "images_per_s" in found:
                row["of_the_best_other"] = found["images_per_s"] / max(others)
            job.row(**row)
        forget_compiled()


def _makers(job: Job, size: int, batch: int, steps: int) -> dict[str, Callable[[], Turn]]:
    """Ours, our network in a plain loop, timm's and torchvision's, eager and compiled."""
    graph = rl.graph(NETWORK, input=(3, size, size), classes=1000)
    makers: dict[str, Callable[[], Turn]] = {}
    for mode in job.compile_modes():
        makers[f"ours {mode}"] = partial(_ours, job, graph, mode, batch, steps)
    nets: dict[str, Callable[[], Any]] = {"timm": _timm, "torchvision": _torchvision}
    # The other networks run in a plain loop, of which torch.compile cannot make one graph.
    modes = [mode for mode in job.compile_modes() if mode not in WHOLE_STEP]
    for mode, name in itertools.product(modes, nets):
        makers[f"{name} {mode}"] = partial(_steps, job, nets[name], mode, size, batch, steps)
    own = partial(rl.build, NETWORK, "torch", input=(3, size, size), device=job.device)
    makers["ours in a plain loop off"] = partial(_steps, job, own, "off", size, batch, steps)
    return makers


def _ours(job: Job, graph: Graph, mode: str, batch: int, steps: int) -> Turn:
    return compute_alone(our_model(job, graph, PRECISION, mode), graph, batch, steps)


def _timm() -> Any:
    if missing("timm"):
        raise LookupError(missing("timm"))
    import timm

    return timm.create_model("resnet50")


def _torchvision() -> Any:
    if missing("torchvision"):
        raise LookupError(missing("torchvision"))
    from torchvision.models import resnet50

    return resnet50()


def _steps(job: Job, make: Callable[[], Any], mode: str, size: int, batch: int, steps: int) -> Turn:
    """A turn of steps of a plain loop on one batch that stays on the device."""
    import torch

    step, synchronize = plain_loop(job, make(), PRECISION, mode)
    device = torch.device(job.device.replace("gpu", "cuda"))
    x = torch.randn(batch, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 1000, (batch,), device=device)

    def turn() -> None:
        for _ in range(steps):
            step(x, y)
        synchronize()

    return turn
