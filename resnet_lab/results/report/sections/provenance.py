"""Where the figures come from: folders, machines, versions and times."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ....base.hardware import version
from ...columns import WHERE
from ..contents import Contents
from .configuration import listed

TITLE = "Provenance"


def context(contents: Contents) -> dict[str, Any]:
    """The values of the template: facts about the trials, and about this page."""
    table = contents.table
    rows = [("results", ", ".join(str(path) for path in contents.paths))]
    rows += [(name, listed(table[name])) for name in WHERE if name in table and name != "started"]
    if "started" in table and table["started"].notna().any():
        rows.append(("trials began", f"{table['started'].min()} to {table['started'].max()}"))
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows.append(("this page", f"resnet-lab {version('resnet-lab')}, {now}"))
    return {"rows": rows, "speeds": contents.places}
