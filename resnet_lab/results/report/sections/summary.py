"""The first section: how many trials there are, and for each variant the verdict and the price."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from ...trial_folder import STOPPED
from ...verdict import EXACT, Verdict, caveats
from .. import charts
from ..contents import Contents

TITLE = "Summary"
_SIGNS = {"better": "▲", "worse": "▼", "same": "=", "undecided": "?"}


def context(contents: Contents) -> dict[str, Any]:
    """The values of the template: tiles of counts, one row for each variant, and the caveats."""
    design = contents.design
    confidence = design.decide.confidence if design else 0.95
    main = design.decide.metric if design else "test_accuracy"
    judged = [verdict for verdict in contents.verdicts if verdict.metric == main]
    return {
        "tiles": _tiles(contents),
        "baseline": contents.baseline,
        "metric": main.replace("_", " "),
        "confidence": f"{100 * confidence:g} %",
        "smallest": design.decide.smallest if design else None,
        "costs": [name.replace("images_per_s", "img/s").replace("_", " ") for name in _costs(contents, main)],
        "rows": _rows(contents, judged, main),
        "problem": contents.problem,
        "caveats": caveats(contents.verdicts, 1 - confidence) if judged else [],
        "notes": [*contents.notes, *_failures(contents)],
    }


def _tiles(contents: Contents) -> list[tuple[str, str]]:
    """Figures of the whole table, each with what it counts."""
    table = contents.table
    stopped = int((table["status"] == STOPPED).sum())
    tiles = [
        (f"{len(contents.ok):,}", "trials that ended ok"),
        *([(f"{stopped:,}", "trials that were stopped early")] if stopped else []),
        (f"{table['variant'].nunique():,}", "variants"),
        (f"{len(contents.settings):,}", "settings"),
    ]
    if "seed" in table:
        tiles.append((f"{table['seed'].nunique():,}", "seeds"))
    if contents.accuracy and len(contents.settings):
        best = contents.settings.loc[contents.settings[contents.accuracy].idxmax()]
        tiles.append(
            (f"{best[contents.accuracy]:.4f}", f"highest mean {contents.accuracy.replace('_', ' ')}: {best['label']}")
        )
    if "wall_s" in table:
        tiles.append((_duration(float(table["wall_s"].sum())), "of training"))
    return tiles


def _duration(seconds: float) -> str:
    for size, letter in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {letter}"
    return f"{seconds:.0f} s"


def _failures(contents: Contents) -> list[str]:
    """A sentence for each status other than `ok`; a trial that was stopped early is no failure."""
    counts = contents.table["status"].value_counts()
    words = {STOPPED: "were stopped early, by 'halving'"}
    return [
        f"{count:,} trial(s) {words.get(status, f'ended as {status}')}"
        for status, count in counts.items()
        if status != "ok"
    ]


def _costs(contents: Contents, main: str) -> list[str]:
    return [name for name in dict.fromkeys(verdict.metric for verdict in contents.verdicts) if name != main]


def _rows(contents: Contents, judged: list[Verdict], main: str) -> list[dict[str, Any]]:
    """A row for each variant, the largest gain first."""
    others = {(verdict.variant, verdict.metric): verdict for verdict in contents.verdicts}
    design = contents.design
    smallest = design.decide.smallest if design else None
    means = contents.ok.groupby("variant").mean(numeric_only=True)
    ends = [abs(v) for one in judged for v in (one.low, one.high, one.difference) if math.isfinite(v)]
    reach = 1.1 * max([*ends, smallest or 0.0]) or 1.0
    rows = []
    for one in sorted(judged, key=lambda one: -one.difference if one.n else math.inf):
        rows.append(
            {
                "variant": one.variant,
                "word": one.word,
                "sign": _SIGNS[one.word],
                "difference": f"{one.difference:+.4f}" if one.n else "",
                "interval": "" if math.isinf(one.low) or not one.n else f"{one.low:+.4f} to {one.high:+.4f}",
                "picture": Markup(charts.interval(one.low, one.difference, one.high, reach, smallest)) if one.n else "",
                "pairs": one.n,
                "reason": one.reason,
                "costs": [_cost(others[one.variant, name], means) for name in _costs(contents, main)],
            }
        )
    return rows


def _cost(verdict: Verdict, means: Any) -> dict[str, str]:
    """A cost against the baseline's, in per cent, with the verdict on it."""
    if math.isnan(verdict.difference) or verdict.baseline not in means.index:
        return {"text": "not known", "word": verdict.word, "sign": "", "reason": verdict.reason}
    share = verdict.difference / means.loc[verdict.baseline, verdict.metric]
    sign = "" if verdict.metric in EXACT else _SIGNS[verdict.word]
    return {"text": f"{100 * share:+.1f} %", "word": verdict.word, "sign": sign, "reason": verdict.reason}
