"""`python -m tests.gpu`: run every check and measurement that needs a GPU; docs/gpu.md describes them."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .job import machine
from .journal import Journal
from .stages import STAGES, command, run_stages


def main(words: Sequence[str] | None = None) -> int:
    """Run the stages and print how each ended; returns 1 if a stage did not end with `done`."""
    options = _parser().parse_args(words)
    names = options.stages.split(",") if options.stages else [stage.name for stage in STAGES]
    stages = [stage for stage in STAGES if stage.name in names]
    unknown = set(names) - {stage.name for stage in stages}
    if unknown:
        print(f"unknown stage '{sorted(unknown)[0]}' (known: {', '.join(stage.name for stage in STAGES)})")
        return 2
    found = _device(options.device)
    if "problem" in found:
        print(found["problem"])
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a stage that runs is ended too
    journal = Journal(options.out.resolve())
    facts = {"tiny": options.tiny, **found, **machine(options.revision)}
    differs = _differs(journal, facts)
    if differs:
        print(f"{journal.folder} holds results with another {differs}: name another folder with --out")
        return 2
    journal.add("machine", **facts)
    print(f"{found['device']}, {facts['gpus'] or facts['processor']}, {facts['versions']}", flush=True)
    try:
        run_stages(stages, journal, found["device"], options.tiny, options.minutes, options.again)
    finally:
        tables = journal.write_tables()
    endings = {stage.name: journal.ending(stage.name) for stage in stages}
    rows = {stage.name: journal.lines("row", stage.name) for stage in stages}
    print(f"\n{'stage':12} {'ended':10} {'results':>8} {'problems':>9}")
    for name, ending in endings.items():
        problems = sum(bool(row.get("problem")) or row.get("agrees") is False for row in rows[name])
        print(f"{name:12} {ending or 'not run':10} {len(rows[name]):8} {problems:9}")
    print(f"{journal.folder}: {', '.join(path.name for path in tables)}")
    return int(any(ending != "done" for ending in endings.values()))


def _differs(journal: Journal, facts: Mapping[str, Any]) -> str:
    """What differs from the earlier runs in the folder so that one table must not hold both; '' if nothing does."""
    earlier = journal.lines("machine")
    if not earlier:
        return ""
    names = [[gpu["name"] for gpu in run["gpus"]] for run in (earlier[-1], facts)]
    same = {"size (--tiny)": "tiny", "device (--device)": "device"}
    different = [text for text, key in same.items() if earlier[-1][key] != facts[key]]
    return ", ".join(different + ["GPU"] * (names[0] != names[1]))


def _device(wanted: str) -> dict[str, Any]:
    """What tests/gpu/device.py prints about a device."""
    done = subprocess.run(**command("tests.gpu.device", wanted), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the results; a second run goes on there")
    parser.add_argument("--minutes", type=float, default=25, help="the time for all stages together (25)")
    parser.add_argument("--tiny", action="store_true", help="everything as small as possible, for a CPU")
    parser.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N")
    parser.add_argument("--stages", default="", help="only these stages, with commas; all if left out")
    parser.add_argument("--again", action="store_true", help="also run stages that are finished")
    parser.add_argument("--revision", default="", help="the git revision, for a copy without git's folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
