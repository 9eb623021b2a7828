"""`resnet-lab run`: train and test every trial of an experiment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import LabError
from . import clusters, options

if TYPE_CHECKING:
    import pandas as pd

    from ..specs.experiment import Experiment

Command = clusters.Command


def command(
    experiment: Annotated[str, typer.Argument(help="The experiment's file, or its name in experiments/.")],
    engine: Annotated[
        str | None,
        typer.Option(
            help="mxnet, torch, both with a comma, or auto (mxnet if it can run here, else torch), instead of the "
            "experiment's engine."
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, gpu, gpu:N, or gpu:N,M for several, instead of the experiment's.")
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="CPU threads of a trial; if left out, OMP_NUM_THREADS, else its share of the cores."),
    ] = None,
    jobs: options.JobsText = None,
    ray: clusters.RayText = None,
    slurm: clusters.SlurmText = None,
    preset: Annotated[
        str | None,
        typer.Option(help="One of the experiment's presets, such as small; the results go to EXPERIMENT-PRESET."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE instead of the file's value, such as train.epochs=10; repeatable."),
    ] = None,
    results: Annotated[Path, typer.Option(help="The folder that holds a folder for each experiment.")] = Path(
        "results"
    ),
    fresh: Annotated[bool, typer.Option("--fresh", help="Run all trials again, also those that are done.")] = False,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="First remove the trials in the results folder that the file no longer asks for."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the trials and stop.")] = False,
) -> None:
    """Train and test every trial of an experiment; trials that are done are not run again.

    An experiment is a YAML file such as the following. Variants, values of the grid, and seeds are combined: each
    combination is one trial. `resnet-lab run FILE --dry-run` lists the trials without running them.

    ```yaml
    variants: [resnet18, my_se_resnet18]     # names or paths of stage specs
    data: {name: digits, size: 32}
    train:
      epochs: 3
      batch_size: 48
      optimizer: {name: sgd, lr: 0.04, momentum: 0.9}
      schedule: cosine
    engine: mxnet                            # or torch, or [mxnet, torch]
    seeds: 3                                 # or a list, or auto
    grid: {train.optimizer.lr: [0.1, 0.05]}  # optional
    presets: {small: {train.epochs: 1}}      # optional; chosen with --preset small
    ```

    Exit status: 0 if every trial ended `ok` (or was stopped by `halving`), 1 if one did not, 2 if the experiment is
    wrong.

    Example: `resnet-lab run experiments/depth_sweep.yaml --set train.epochs=10`
    """
    from rich.console import Console

    from ..specs.experiment import load

    if prune and (settings or engine or device):
        raise LabError(
            "--prune keeps the trials that the experiment's file asks for; it works only without --set, --engine "
            "and --device, since these change which trials there are"
        )
    at_once = options.jobs(jobs)
    slurm_settings = clusters.slurm_settings(slurm)
    wanted = list(settings or [])
    if engine is not None:
        wanted.append(f"engine=[{engine}]")
    loaded = load(experiment, wanted, preset=preset)
    folder = results / loaded.name
    if dry_run:
        show_plan(loaded, folder, device, fresh)
        return
    from ..results.compare import compare
    from ..results.trial_folder import STOPPED
    from ..sweeps.executors.choice import choose
    from ..sweeps.progress import for_console
    from ..sweeps.run import run as run_sweep
    from .compare_table import show

    cluster, progress = choose(ray, slurm_settings, at_once), for_console(Console())
    try:
        table = run_sweep(
            *(loaded, folder, progress),
            device=device,
            fresh=fresh,
            prune=prune,
            threads=threads,
            jobs=at_once,
            cluster=cluster,
        )
    except KeyboardInterrupt:  # handled here, since typer would turn it into an exit without a message
        progress.end()
        print(options.STOPPED, file=sys.stderr)
        raise typer.Exit(130) from None
    finally:
        progress.end()
    show(compare(table))
    if loaded.spec.baseline is not None:
        print()
        _show_verdicts(table, folder)
    print(f"\n{folder}/trials.csv: one row for each trial; {folder}/epochs.csv: one row for each epoch")
    if not table["status"].isin(["ok", STOPPED]).all():
        raise typer.Exit(1)


def _show_verdicts(table: pd.DataFrame, folder: Path) -> None:
    """Print the verdicts on the variants, or why there are none; the trials are done either way."""
    from ..results.design import judge
    from .verdicts import show

    try:
        show(judge(table, [folder]))
    except LabError as error:
        print(f"no verdicts: {error}")


def show_plan(experiment: Experiment, folder: Path, device: str | None = None, fresh: bool = False) -> None:
    """Print the trials of an experiment, and say for each whether it is done, was stopped early, or is to do."""
    from ..results.trial_folder import DONE, STOPPED, status_of
    from ..specs.settings import short_keys
    from ..sweeps import comparison, halving
    from ..sweeps.plan import duplicate_message
    from ..sweeps.plan import plan as find_trials
    from .tables import grid, short

    comparison.check_metric(experiment)
    found = find_trials(experiment, device, folder)
    trials = found.trials
    halving.check(experiment, trials, fresh)
    swept = list(dict.fromkeys(key for trial in trials for key in trial.swept))
    heads = short_keys(swept).values()

    def state(trial: str) -> str:
        status = status_of(folder / "trials" / trial)
        return "done" if status in DONE else "stopped" if status == STOPPED else "to do"

    rows = [
        (
            trial.id,
            trial.variant,
            trial.engine,
            trial.seed,
            *(trial.swept.get(key, "") for key in swept),
            short(trial.graph.params),
            short(trial.graph.macs),
            state(trial.id),
        )
        for trial in trials
    ]
    grid(
        f"{experiment.name}: {'at most ' * experiment.spec.auto}{len(trials)} trials",
        ["trial", "variant", "engine", "seed", *heads, "params", "macs", ""],
        rows,
        ["params", "macs"],
    )
    for matched in found.matched:
        print(matched.summary)
    for pair in found.duplicates:
        print(duplicate_message(*pair))
    for note in found.notes:
        print(note)
