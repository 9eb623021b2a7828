"""Stage `fashion`: the ResNet-18 of Dive into Deep Learning with the book's recipe, through `resnet-lab run`."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from .job import Job
from .sweeps import record

BOOK = 4_735
"""Examples per second that the book's notebook reports, on a GPU that it does not name."""

TINY = ("data={name: digits, size: 28}", "train.epochs=1", "train.batch_size=128", "measure=false")


def run(job: Job) -> None:
    """Train in both precisions; on a CPU, one epoch on small images in float32."""
    settings = TINY if job.tiny else ("grid={precision: [bfloat16, float32]}",)
    record(job, "d2l_fashion_mnist", settings, _speed)


def _speed(folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    """The median over the epochs of the examples per second of a whole epoch, beside the book's figure."""
    path = folder / "epochs.json"
    if row.get("status") != "ok" or not path.is_file():
        return {}
    speed = statistics.median(epoch["images_per_s"] for epoch in json.loads(path.read_text(encoding="utf-8")))
    return {"examples_per_s": speed, "of_the_book": speed / BOOK if row["data"] == "fashion_mnist" else None}
