"""Pairs of trials: the variant's and the baseline's result for one seed, under one recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..base.errors import LabError, unknown
from . import select
from .columns import differing
from .compare import OF_THE_VARIANT


@dataclass(frozen=True)
class Pairs:
    """The results of a variant and the baseline for the seeds that both have.

    Attributes:
        variant: the variant's name.
        baseline: the baseline's name.
        metric: a column of results.
        seeds: the seeds, in rising order.
        ours: the variant's results.
        theirs: the baseline's results.
        trials: for each pair the ids of the variant's and the baseline's trial; '' where the table has no ids.
        guessing: the baseline's loss as a share of the loss of guessing among the classes, which is the logarithm of
            their number: the mean over the seeds of the training loss or of the test loss, whichever is smaller. NaN
            where the table does not have these columns.
    """

    variant: str
    baseline: str
    metric: str
    seeds: list[int]
    ours: NDArray[Any]
    theirs: NDArray[Any]
    trials: list[tuple[str, str]]
    guessing: float = math.nan

    @property
    def differences(self) -> NDArray[Any]:
        """Variant minus baseline for each pair."""
        return np.asarray(self.ours - self.theirs)


def comparable(table: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """The current trials of a table, each once, after a check that one recipe is compared with itself.

    Raises:
        LabError: As `verdicts`.
    """
    table = select.each_once(select.current(table)[0])
    if baseline not in set(table["variant"]):
        raise LabError(unknown("variant", baseline, table["variant"]))
    if table["variant"].nunique() < 2:
        raise LabError(f"there is no variant beside {baseline} to compare with it")
    if "seed" not in table:
        raise LabError("the table has no column 'seed', by which runs are paired")
    table = _each_setting(table, baseline)
    several = [name for name in differing(table) if name not in OF_THE_VARIANT]
    for _, rows in table.groupby("variant"):
        several += [name for name in differing(rows) if name not in several]
    if several:
        name = several[0]
        example = next(value for value in table[name] if pd.notna(value))
        shown = f"`{name}`" if not all(part.isidentifier() for part in name.split(".")) else name
        raise LabError(
            f"the trials differ in {', '.join(several)}, so seeds are not all that changes; "
            f'choose with --where, such as --where "{shown} == {example!r}"'
        )
    _check_one_network_each(table)
    return table


def _check_one_network_each(table: pd.DataFrame) -> None:
    """Check that the trials of each variant have trained one network, where the table has digests of the networks."""
    for name, rows in table.groupby("variant"):
        networks = list(rows["graph"].dropna().unique()) if "graph" in rows else []
        if len(networks) > 1:
            raise LabError(
                f"the trials of {name} have trained {len(networks)} different networks (the digests in the column "
                f"'graph' are {', '.join(networks)}): its block or its spec was changed between them, or two specs "
                f"have this name; leave one network out with --where, such as --where \"graph != '{networks[0]}'\""
            )


def _each_setting(table: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Make a variant of its own of each value of an option that the baseline does not take: `mine reduction=8`."""
    table = table.copy()
    theirs, names = table[table["variant"] == baseline], table["variant"].astype(str)
    for column in [name for name in table if name.startswith("variant.") and theirs[name].isna().all()]:
        swept = table[column].notna() & (table.groupby("variant")[column].transform("nunique") > 1)
        values = table[column].map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))
        names = names.where(~swept, names + f" {column.rpartition('.')[2]}=" + values)
        table = table.drop(columns=column)
    return table.assign(variant=names)


def pairs(table: pd.DataFrame, variant: str, baseline: str, metric: str) -> Pairs:
    """The pairs of a variant and the baseline: the seeds for which both trials ended `ok` with a figure."""
    check_metric(metric, table)
    ok = table[(table["status"] == "ok") & table[metric].notna()]
    ours, theirs = (
        ok[ok["variant"] == name].drop_duplicates("seed").set_index("seed").sort_index() for name in (variant, baseline)
    )
    seeds = [seed for seed in ours.index if seed in theirs.index]
    ours, theirs = ours.loc[seeds], theirs.loc[seeds]
    ids = [("", "")] * len(seeds)
    if "trial" in table:
        ids = list(zip(ours["trial"], theirs["trial"], strict=True))
    figures, reference = (side[metric].to_numpy(np.float64) for side in (ours, theirs))
    numbers = [int(seed) for seed in seeds]
    return Pairs(variant, baseline, metric, numbers, figures, reference, ids, _share_of_guessing(theirs))


def _share_of_guessing(rows: pd.DataFrame) -> float:
    """The loss of a network as a share of the loss of guessing; see `Pairs.guessing`."""
    if not {"classes", "train_loss", "test_loss"}.issubset(rows) or rows.empty:
        return math.nan
    losses = rows[["train_loss", "test_loss"]].div(np.log(rows["classes"].astype(float)), axis=0)
    return float(losses.mean().min())


def check_metric(metric: str, table: pd.DataFrame) -> None:
    """Check that a column of the table holds figures.

    Raises:
        LabError: It does not, or there is no such column.
    """
    if metric not in table or not pd.api.types.is_numeric_dtype(table[metric]):
        raise LabError(unknown("metric", metric, table.select_dtypes("number").columns))
