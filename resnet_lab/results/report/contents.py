"""What a report shows: the trials, their settings with means over the seeds, the verdicts, and the trials' folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ...base.errors import LabError
from ...base.files import read_json
from .. import design, select, store
from ..columns import MACHINE, METRICS, NETWORK, differing, setting_of
from ..trial_folder import CONFIG, STOPPED
from ..unequal import warning
from ..verdict import METRICS as JUDGED
from ..verdict import Verdict


@dataclass(frozen=True)
class Contents:
    """What the sections of a report take their figures from.

    Attributes:
        paths: the results folders, or `.csv` files.
        table: the current trials, each once, in the order in which they began.
        design: how the experiment compares its variants; None where it says nothing, or names another baseline.
        baseline: the variant with which the others are compared; None where there is none.
        verdicts: the verdicts of the variants, metric by metric.
        problem: why there are no verdicts; '' where there are.
        notes: messages about the rows.
    """

    paths: Sequence[Path]
    table: pd.DataFrame
    design: design.Design | None
    baseline: str | None
    verdicts: Sequence[Verdict]
    problem: str
    notes: Sequence[str]

    @cached_property
    def ok(self) -> pd.DataFrame:
        """The trials that ended `ok`, with the column `label` of their setting."""
        ok = self.table["status"] == "ok"
        return self.table[ok].assign(label=self.labels[ok])

    @cached_property
    def labels(self) -> pd.Series:
        """For each trial a name of its setting: the variant, and the settings in which the table's trials differ."""
        varied = [name for name in differing(self.table) if name not in (*NETWORK, "input", "classes")]
        parts = [self.table["variant"].astype(str)]
        parts += [f" {name.rpartition('.')[2]}=" + self.table[name].map(_text) for name in varied]
        return parts[0].str.cat(parts[1:]) if len(parts) > 1 else parts[0]

    @cached_property
    def settings(self) -> pd.DataFrame:
        """One row for each setting: `label`, `variant`, `n`, and the mean and `_std` of each measurement."""
        numbers = [name for name in (*METRICS, "params", "macs") if name in self.ok and self.ok[name].notna().any()]
        ok = self.ok.assign(_setting=setting_of(self.ok))
        groups = ok.groupby("_setting", sort=False)
        means, stds = groups[numbers].mean(), groups[numbers].std(ddof=1).add_suffix("_std")
        heads = groups[["label", "variant"]].first().assign(n=groups.size())
        return pd.concat([heads, means, stds], axis=1)

    @cached_property
    def variants(self) -> list[str]:
        """The names of the variants, the baseline first."""
        names = list(dict.fromkeys(self.table["variant"]))
        return sorted(names, key=lambda name: name != self.baseline)

    @cached_property
    def accuracy(self) -> str | None:
        """The column of accuracy that is shown: that of the test set, else that of the validation set."""
        found = (name for name in ("test_accuracy", "val_accuracy") if name in self.settings)
        return next(found, None)

    @cached_property
    def places(self) -> list[str]:
        """The columns that show that trials ran in different places, so that their speeds cannot be compared."""
        return [name for name in MACHINE if name in self.ok and self.ok[name].nunique(dropna=False) > 1]

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """The rows of `epochs.csv` of the trials that ended `ok`, with the columns `label` and `_setting`."""
        return self._epochs_of(self.ok)

    @cached_property
    def stopped_epochs(self) -> pd.DataFrame:
        """The same of the trials that `halving` stopped before their last epoch."""
        stopped = self.table["status"] == STOPPED
        return self._epochs_of(self.table[stopped].assign(label=self.labels[stopped]))

    def _epochs_of(self, trials: pd.DataFrame) -> pd.DataFrame:
        rows = self._all_epochs
        if rows.empty or "trial" not in trials:
            return pd.DataFrame()
        known = trials.assign(_setting=setting_of(trials)).set_index("trial")
        rows = rows[rows["trial"].isin(known.index)]
        return rows.assign(label=rows["trial"].map(known["label"]), _setting=rows["trial"].map(known["_setting"]))

    @cached_property
    def _all_epochs(self) -> pd.DataFrame:
        folders = [path for path in self.paths if (path / "epochs.csv").is_file()]
        tables = [store.read_epochs(path) for path in folders]
        return pd.concat(tables).drop_duplicates(["trial", "epoch"]) if tables else pd.DataFrame()

    def trial(self, variant: str) -> Mapping[str, Any] | None:
        """What the folder of a variant's first trial says about its configuration; None where there is no folder."""
        if "trial" not in self.table:
            return None
        for name in self.table.loc[self.table["variant"] == variant, "trial"]:
            for path in self.paths:
                try:
                    values: dict[str, Any] = read_json(path / "trials" / name / CONFIG)
                    return values
                except (OSError, ValueError):
                    continue
        return None


def gather(paths: Sequence[Path], baseline: str | None = None, where: str | None = None) -> Contents:
    """Read results folders, and judge their variants.

    Args:
        paths: results folders, or `.csv` files of trials.
        baseline: the variant with which the others are compared; that of the experiment if None.
        where: a condition on the trials; see `select.where`.

    Raises:
        LabError: There are no results, the condition is wrong, or no variant has the name `baseline`.
    """
    table, stale = select.current(store.read_several(paths))
    notes = [f"{stale} stale trial(s) left out, which the experiment no longer asks for"] if stale else []
    if where is not None:
        table = select.where(table, where)
        notes.append(f"only the trials for which this condition holds: {where}")
    table = select.each_once(table).reset_index(drop=True)
    if table.empty:
        raise LabError("there is no trial to report on")
    if unequal := warning(table, paths):
        notes.append(f"warning: {unequal}")
    known = design.read(paths[0]) if len(paths) == 1 else None
    if known is not None and baseline not in (None, known.baseline):
        known = None  # what the experiment decided holds for its own baseline alone
    first = baseline or (known.baseline if known else None)
    metrics = None
    if known is not None and known.decide.metric not in JUDGED:
        metrics = [known.decide.metric, *(name for name in JUDGED if name in table)]
    verdicts: Sequence[Verdict] = ()
    problem = ""
    try:
        verdicts = design.judge(table, paths, baseline, metrics)
    except LabError as error:
        if baseline is not None and baseline not in set(table["variant"]):
            raise
        problem = str(error)
    return Contents(paths, table, known, first, verdicts, problem, notes)


def _text(value: Any) -> str:
    """A setting as text: 0.1 as '0.1', a missing value as 'none'."""
    if pd.isna(value):
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
