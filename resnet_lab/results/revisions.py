"""From which revisions of the code the finished trials of a results folder come."""

from __future__ import annotations

from collections.abc import Mapping


def message(counts: Mapping[str, int]) -> str:
    """Say that finished trials were run by several revisions of the code; empty if all come from the same one.

    Args:
        counts: the number of finished trials of each git revision; the revision is '' outside git.
    """
    if len(counts) < 2:
        return ""
    named = [f"{revision or 'outside git'} ({count})" for revision, count in counts.items()]
    meaning = "; + means that files differed from the commit" if any("+" in revision for revision in counts) else ""
    return (
        f"the finished trials come from {len(counts)} revisions of the code: {', '.join(named)}{meaning}; "
        "the column 'revision' tells them apart, and 'run --fresh' runs all of them anew"
    )
