"""Tables of figures that others published, each with its source."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..base.errors import LabError
from ..specs import workspace


def published(path: Path) -> pd.DataFrame:
    """A table of published figures: variant, metric (a column of results), value, source.

    Raises:
        LabError: there is no such table, or it is none.
    """
    if not path.is_file():
        raise LabError(f"there is no table of published figures {path}")
    try:
        table = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise LabError(f"is no table: {error}", file=path) from None
    for column in ("variant", "metric", "value", "source"):
        if column not in table:
            raise LabError(f"is no table of published figures: it has no column '{column}'", file=path)
    return table


def references() -> dict[str, Path]:
    """Tables of published figures by name: those of the working directory, then those of the package."""
    found: dict[str, Path] = {}
    for place in (Path("results/reference"), workspace.shipped("reference", "results/reference")):
        for path in sorted(place.glob("*.csv")):
            found.setdefault(path.stem, path)
    return found
