"""Passes on what a trial reports that runs in a worker on a machine of a cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from . import Ended
from .local import Local

STEP_EVERY = 2.0
"""The seconds between two steps of a trial that are passed on: a report crosses the network, or a shared disk."""


def reports(local: Local) -> Iterator[dict[str, Any]]:
    """Yield what the one trial reports that an executor runs.

    Args:
        local: an executor with one slot, in which a trial was started.

    Yields:
        The content of each event, with a part of the steps; at last the event `ended`, with the status and the reason
        of `Ended`.
    """
    last_step = 0.0
    while True:
        report = local.next()
        if isinstance(report, Ended):
            yield {"event": "ended", "status": report.status, "reason": report.reason}
            return
        if report is None:
            continue
        if report.content["event"] == "step":
            if time.monotonic() - last_step < STEP_EVERY:
                continue
            last_step = time.monotonic()
        yield dict(report.content)
