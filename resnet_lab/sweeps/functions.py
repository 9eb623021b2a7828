"""The Python functions for experiments: run them, try a block, and see how far a sweep is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..base.errors import LabError

if TYPE_CHECKING:
    import pandas as pd

    from ..results.status import Status


def run(
    experiment: str | Path | Mapping[str, Any],
    *,
    name: str | None = None,
    results: str | Path = "results",
    preset: str | None = None,
    settings: Sequence[str] = (),
    device: str | None = None,
    fresh: bool = False,
    prune: bool = False,
    threads: int | None = None,
    jobs: int | Literal["auto"] | None = None,
    ray: str | None = None,
    slurm: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Run an experiment; trials that are done are not run again.

    Args:
        experiment: The experiment's file, its name in `experiments/`, or a mapping of its keys, in which paths are
            relative to the working directory.
        name: The name of the experiment, for a mapping only; its results are in the folder of this name.
        results: The folder that holds a folder for each experiment.
        preset: One of the experiment's presets, such as `small`; the results are in the folder EXPERIMENT-PRESET.
        settings: Settings such as `train.epochs=10` that replace those of the experiment and of the preset.
        device: `auto`, `cpu`, `gpu`, `gpu:N`, `gpu:N,M` or `cpu:N,M` instead of the experiment's.
        fresh: Run every trial again; the result of an earlier run stays until the new one is whole.
        prune: First remove the trials in the results folder that the experiment does not ask for.
        threads: How many CPU threads a trial uses; if None, what OMP_NUM_THREADS says, or its share of the cores.
        jobs: How many trials run at once on this machine, each in a process of its own; `auto` for as many as it has
            cores, or GPUs, and None for one.
        ray: Run the trials on the Ray cluster at this address; `local` for one on this machine that ends with the run.
        slurm: Run the trials as SLURM jobs with these options of sbatch, such as `{"partition": "gpu", "time": "2h"}`.
        progress: Show how the run goes on: bars on a terminal, lines of text in a notebook and elsewhere.

    Returns:
        A DataFrame with one row for each trial of the experiment, in its order.

    Raises:
        LabError: The experiment is wrong, it cannot run here, or the results folder cannot be written.
    """
    from rich.console import Console

    from ..specs.experiment import load as load_experiment
    from .executors.choice import choose
    from .progress import Silent, for_console
    from .run import run as run_sweep

    loaded = load_experiment(experiment, settings, name, preset)
    cluster = choose(ray, slurm, jobs)
    # Without force_jupyter, rich would make a display of its own for each line in a notebook.
    shown = for_console(Console(force_jupyter=False)) if progress else Silent()
    try:
        return run_sweep(
            loaded,
            Path(results) / loaded.name,
            shown,
            device=device,
            fresh=fresh,
            prune=prune,
            threads=threads,
            jobs=jobs,
            cluster=cluster,
        )
    finally:
        shown.end()


def try_block(
    file: str | Path,
    *,
    baseline: str = "resnet18",
    data: str = "digits",
    match: str | None = None,
    block: str | None = None,
    engine: str = "auto",
    at_most: float | None = None,
    jobs: int | Literal["auto"] | None = None,
    results: str | Path = "results",
    progress: bool = True,
) -> pd.DataFrame:
    """Put a block into a baseline, train both in pairs of equal seeds, and judge whether the block is better.

    Args:
        file: The Python file that registers the block.
        baseline: The variant whose every stage gets the block.
        data: The dataset.
        match: `macs`, `params` or `latency`: the cost that is made equal first, by another width.
        block: Which block, if the file registers several.
        engine: `mxnet`, `torch`, or `auto`: `mxnet` if it can run here.
        at_most: The seconds for all runs. If None, 600 s, or as many pairs as the last call planned.
        jobs: How many trials run at once; see `run`.
        results: The folder that holds a folder for each experiment.
        progress: Print a line for each pair.

    Returns:
        A DataFrame as `verdicts` returns it. With fewer than 6 pairs, no difference in accuracy can be significant.

    Raises:
        LabError: The file or an argument is wrong, a run failed, or the network with the block is the baseline's.
    """
    from functools import partial

    from ..results.verdict import frame
    from .pairs import judged, run_pairs
    from .tryout import prepare

    where = Path(results)
    tried = prepare(Path(file), baseline=baseline, data=data, results=where, match=match, block=block, engine=engine)
    if tried.is_same_network:
        raise LabError(f"{tried.variant} is the network of {tried.baseline}: every pair of runs would be exactly equal")
    outcome = run_pairs(tried, at_most, partial(print, flush=True) if progress else lambda line: None, jobs=jobs)
    if outcome.problem and outcome.table.loc[outcome.table["status"] == "ok", "variant"].nunique() < 2:
        raise LabError(outcome.problem)
    if outcome.problem and progress:
        print(outcome.problem)
    return frame(judged(tried, outcome.table))


def status(results: str | Path) -> Status:
    """Find out how far the sweep of a results folder is, also while it runs.

    Args:
        results: The experiment's results folder.

    Returns:
        The counts (`.done`, `.left`, `.total`), the trials that run (`.running`) and that failed (`.failed`), and the
        estimate of the time that is left (`.seconds_left`); `results.status.Status` describes all of them.

    Raises:
        LabError: The folder holds no plan of a sweep, or the plan is damaged.
    """
    from ..results.status import status as read_status

    return read_status(Path(results))
