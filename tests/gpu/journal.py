"""The record of a rehearsal: a file of JSON lines that only grows, and the tables that are made of it at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FINISHED = ("done", "failed", "timed_out")
"""The endings after which a stage is not run again. The ending `stopped` means that the time of the run was over."""


class Journal:
    """The lines of a rehearsal, in `rehearsal.jsonl`.

    A line has a `kind`: `machine` (provenance), `begin` (an attempt at a stage), `row` (one result of a stage) or
    `stage` (how an attempt ended). A line is written as soon as its content is known, so a kill loses no earlier line.

    Args:
        folder: the folder of the rehearsal; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "rehearsal.jsonl"

    def add(self, kind: str, **values: Any) -> None:
        """Append a line; a line before it that a kill cut off is closed first."""
        cut_off = self._file.is_file() and not self._file.read_bytes().endswith(b"\n")
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write("\n" * cut_off + json.dumps({"kind": kind, **values}, default=str) + "\n")

    def lines(self, kind: str, stage: str | None = None) -> list[dict[str, Any]]:
        """The lines of a kind, in their order; a line that a kill cut off is left out."""
        if not self._file.is_file():
            return []
        found = []
        for text in self._file.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                continue
            if line["kind"] == kind and stage in (None, line.get("stage")):
                found.append({key: value for key, value in line.items() if key != "kind"})
        return found

    def ending(self, stage: str) -> str:
        """How the last attempt at a stage ended; '' if there was none."""
        endings = self.lines("stage", stage)
        return str(endings[-1]["status"]) if endings else ""

    def begin(self, stage: str) -> int:
        """Begin an attempt at a stage; returns its number, from 1."""
        attempt = 1 + len(self.lines("begin", stage))
        self.add("begin", stage=stage, attempt=attempt)
        return attempt

    def write_tables(self) -> list[Path]:
        """Write one CSV file for each stage that has rows, and `stages.csv`; returns their paths."""
        import pandas as pd

        from resnet_lab.base.files import write_text

        tables: dict[str, list[Mapping[str, Any]]] = {"stages": list(self.lines("stage"))}
        for row in self.lines("row"):
            tables.setdefault(row["stage"], []).append(row)
        paths = []
        for name, rows in tables.items():
            paths.append(self.folder / f"{name}.csv")
            write_text(paths[-1], pd.DataFrame(rows).to_csv(index=False))
        return paths
