"""`resnet-lab status`: how far a sweep is, and how long it still takes."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import LabError
from . import options

if TYPE_CHECKING:
    from ..results.status import Status

_EVERY = 2.0
"""Seconds between two looks of `--watch`."""

_MOST = 10
"""The number of failed trials that are named; the line below them counts the others."""


def command(
    results: Annotated[Path, typer.Argument(help="The results folder of an experiment.")],
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 2 seconds until the sweep ends.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Show how far a sweep is: which trials are done, run, have failed, or are left, and about how long it still takes.

    The command only reads the results folder, so it works beside a sweep that runs, and from another machine that
    sees the folder. The time is estimated from the multiply-adds of the networks and the speed so far.

    Example: `resnet-lab status results/depth_sweep --watch`
    """
    from ..results.status import status

    if watch and as_json:
        raise LabError("--watch shows the sweep to a person; it does not go with --json")
    if watch:
        _watch(results)
    elif as_json:
        print(json.dumps(asdict(status(results)), indent=1))
    else:
        print("\n".join(lines(status(results))))


def _watch(results: Path) -> None:
    """Show the status until the sweep ends: drawn in place on a terminal; elsewhere each change as a line."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from ..results.status import status

    console = Console()
    if not console.is_terminal:
        shown = ""
        while True:
            found = status(results)
            if lines(found)[0] != shown:
                shown = lines(found)[0]
                print(shown, flush=True)
            if not found.is_running:
                return
            time.sleep(_EVERY)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            found = status(results)
            live.update(Text("\n".join(lines(found))), refresh=True)
            if not found.is_running:
                return
            time.sleep(_EVERY)


def lines(status: Status) -> list[str]:
    """The status in lines of text; the first line has all counts."""
    from ..results import revisions
    from ..results.time_left import in_words

    most = "at most " if status.at_most else ""
    left = f"{most}{status.left} left"
    counts = [f"{status.done} of {most}{status.total} trials done", f"{len(status.running)} running"]
    counts += [f"{len(status.failed)} failed", *([f"{status.stopped} stopped early"] if status.stopped else []), left]
    words = in_words(status.seconds_left)
    if status.is_running:
        state = f"runs{f'; {most}{words}' if words else ''}"
    elif status.left or status.failed:
        state = f"does not run now; 'resnet-lab run' goes on{f' ({most}{words})' if words else ''}"
    else:
        state = "has ended"
    found = [f"{status.experiment}: {', '.join(counts)}; the sweep {state}"]
    found += [f"  runs    {one.title} ({one.trial}): epoch {one.epoch} of {one.epochs}" for one in status.running]
    shown = status.failed[:_MOST]
    found += [f"  failed  {one.title} ({one.trial}): {one.status}: {one.reason}" for one in shown]
    if len(status.failed) > _MOST:
        found.append(f"  {len(status.failed) - _MOST} more failed; 'resnet-lab compare' shows their reasons")
    if status.stale:
        found.append(f"{status.stale} trial(s) in the folder are stale: the experiment no longer asks for them")
    note = revisions.message(status.revisions)
    return [*found, note] if note else found
