"""The Python face: the functions of the command line for notebooks and programs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .base.errors import LabError
from .network.graph import Graph, Shape
from .specs.variant import Variant, load

if TYPE_CHECKING:
    import pandas as pd

    from .results.status import Status
    from .sweeps.bench.plan import Batch
    from .training.calibration import OnSample
    from .training.cost_prediction import Calibration, Prediction
    from .training.dataset_scores import Evaluation
    from .weights.export import Exported
    from .weights.pretrained import Pretrained


def variant(name: str) -> Variant:
    """Load and validate the spec of a variant.

    Args:
        name: The variant's name, such as `resnet50`, or the path of its YAML file.

    Returns:
        The variant: `.name`, `.spec` (the validated stage spec) and `.graph(input, classes)`.

    Raises:
        LabError: There is no such variant, or its spec is wrong; the message names file and line.
    """
    return load(name)


def graph(
    name: str, input: Shape | None = None, classes: int | None = None, overrides: Mapping[str, Any] | None = None
) -> Graph:
    """Make the network of a variant as data, without any framework.

    Args:
        name: The variant's name, or the path of its YAML file.
        input: (channels, height, width); the spec's own if None.
        classes: Outputs of the head; the spec's own if None.
        overrides: Dotted keys and values that change the spec, such as `{"every_stage.stride_on": "3x3"}`.

    Returns:
        A Graph: `.params`, `.macs`, `.depth`, `.layers`, and `.table()`, a DataFrame with one row for each layer.

    Raises:
        LabError: There is no such variant, its spec is wrong, or shapes do not fit; the message names file and line.
    """
    return load(name, overrides).graph(input, classes)


def build(
    name: str,
    engine: str = "mxnet",
    seed: int = 0,
    input: Shape | None = None,
    classes: int | None = None,
    device: str = "auto",
    weights: str | Path | None = None,
    compile: str | None = None,
    **init: Any,
) -> Any:
    """Build a variant as the framework's own module, with initialised or trained weights.

    Args:
        name: The variant's name, or the path of its YAML file.
        engine: `mxnet` or `torch`.
        seed: The seed of the initial weights; both engines start from the same values.
        input: (channels, height, width); the spec's own if None.
        classes: Outputs of the head; the spec's own if None.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        weights: A weights file, or `gluon`, instead of initial weights; as for `read_weights`.
        compile: A compile mode of the engine, as in an experiment. If None, the mode that code of the framework
            expects: hybridized under MXNet, not compiled under PyTorch (a compiled module cannot be pickled, and with
            CUDA graphs it overwrites its last output at each call).
        init: Settings of the initial weights, as in an experiment's `train.init`, such as `last_scale="zero"`.

    Returns:
        A gluon.HybridBlock or a torch.nn.Module.

    Raises:
        LabError: As `graph`; or the engine cannot run here, or the weights do not fit.
    """
    from . import engines
    from .network.initial import initial

    if weights is None:
        network = graph(name, input, classes)
        arrays = initial(network, seed, **init)
    elif init:
        raise LabError(f"'{next(iter(init))}' is a setting of initial weights; it has no effect on weights from a file")
    else:
        net = read_weights(name, weights, input, classes)
        network, arrays = net.graph, net.arrays
    chosen = engines.get(engine)
    model = chosen.build(network, chosen.device(device)[0], compile=compile or chosen.default_compile_mode)
    model.load(arrays)
    return model.network


def read_weights(
    name: str,
    weights: str | Path | None = None,
    input: Shape | None = None,
    classes: int | None = None,
    size: int | None = None,
) -> Pretrained:
    """Load a variant with the weights of a file.

    Args:
        name: The variant's name, the path of its YAML file, or the folder of a trial.
        weights: A file of safetensors, of Gluon (.params) or of PyTorch (.pth, .pt, .th, ...), which is also looked for
            in $RESNET_LAB_DATA; or `gluon`: Gluon-CV's pretrained weights of the network of the same name. None takes
            the weights of the trial.
        input: (channels, height, width). If None, the shape that the file states, else the spec's own.
        classes: Outputs of the head. If None, as many as the file's last layer has.
        size: Height and width of the images instead of those that the file states.

    Returns:
        The network (`.graph`), its arrays by canonical name (`.arrays`), and what the file states about the classes
        (`.classes`) and the normalisation (`.mean`, `.std`) of the images.

    Raises:
        LabError: There is no such variant or file, or the two do not fit.
    """
    from .weights.pretrained import load as load_weights

    net = load_weights(name, weights, input=input, classes=classes, size=size)
    if net.doubt:
        warnings.warn(f"{weights or name}: {net.doubt}", stacklevel=2)
    return net


def predict(
    name: str,
    images: str | Path | Sequence[str | Path],
    weights: str | Path | None = None,
    *,
    labels: str | Path | None = None,
    top: int = 5,
    engine: str = "mxnet",
    device: str = "auto",
    **view: Any,
) -> pd.DataFrame:
    """Predict the likeliest classes of pictures.

    Args:
        name: The variant's name, the path of its YAML file, or the folder of a trial.
        images: A picture or a folder of pictures, or a list of them.
        weights: As for `read_weights`.
        labels: A text file with one class name in each line.
        top: How many classes to give for each picture.
        engine: `mxnet` or `torch`.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        view: How pictures become inputs: `resize` and `crop` (pixels), `normalise` (mean and standard deviation of each
            channel) and `antialias`. What is left out follows the weights file.

    Returns:
        A DataFrame with one row for each picture and rank: image, rank (from 1), index, name, probability, problem. A
        damaged picture has one row, whose `problem` says what is wrong.

    Raises:
        LabError: There is no such variant, file or picture, or they do not fit.
    """
    import pandas as pd

    from .data.formats import picture
    from .training import prediction as inference
    from .training import trained

    listed = [images] if isinstance(images, (str, Path)) else images
    paths = picture.find([Path(path) for path in listed])
    net = read_weights(name, weights, size=view.get("crop"))
    names = inference.class_names(net, Path(labels) if labels else None)
    rows: list[dict[str, Any]] = []
    model = trained.model(net, engine, device)
    for prediction in inference.predict(model, paths, inference.view(net, **view), names, top):
        image = {"image": str(prediction.image)}
        rows += [{**image, "rank": rank, **asdict(guess)} for rank, guess in enumerate(prediction.guesses, 1)]
        if prediction.problem:
            rows.append({**image, "problem": prediction.problem})
    return pd.DataFrame(rows, columns=["image", "rank", "index", "name", "probability", "problem"])


def evaluate(
    name: str, weights: str | Path | None, data: str, *, engine: str = "mxnet", device: str = "auto", **settings: Any
) -> Evaluation:
    """Measure the loss and the accuracy of a trained variant on a dataset.

    Args:
        name: The variant's name, the path of its YAML file, or the folder of a trial.
        weights: As for `read_weights`; None for the folder of a trial.
        data: The dataset's name.
        engine: `mxnet` or `torch`.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        settings: `split` (`test` or `train`), `batch_size`, `normalise` (mean and standard deviation of each channel),
            `by_dataset` (normalise as the dataset states) and `options` (the dataset's options, a mapping).

    Returns:
        `.loss`, `.top1`, `.top5`, `.count`, and `.classes`, a DataFrame with one row for each class.

    Raises:
        LabError: There is no such variant, file or dataset, or they do not fit.
    """
    from .training import dataset_scores, trained

    net = read_weights(name, weights)
    return dataset_scores.evaluate(trained.model(net, engine, device), net, data, **settings)


def export(
    name: str,
    weights: str | Path | None,
    to: str,
    path: str | Path,
    *,
    input: Shape | None = None,
    engine: str = "mxnet",
    folded: bool = False,
) -> Exported:
    """Write trained weights for another program, read them back there, and compare the logits.

    Args:
        name: The variant's name, the path of its YAML file, or the folder of a trial.
        weights: As for `read_weights`; None for the folder of a trial.
        to: The format; `resnet-lab export --help` lists the formats.
        path: The file; its suffix is added where it is missing.
        input: (channels, height, width). If None, the shape that the weights file states, else the spec's own.
        engine: The engine whose logits are compared with the other program's.
        folded: Fold batch norms into the convolutions before them (onnx only).

    Returns:
        `.paths` (the files), `.reader` (the program that read them) and `.difference` (the largest difference of
        logits, relative to the largest logit).

    Raises:
        LabError: A package is missing, the file cannot be written, or the logits differ.
    """
    from .weights.export import export as write

    return write(read_weights(name, weights, input), to, Path(path), engine=engine, folded=folded)


def bench(
    *variants: str,
    engine: str | Sequence[str] = "auto",
    device: str | Sequence[str] = "auto",
    mode: str | Sequence[str] = "train",
    batch_size: Batch | Sequence[Batch] = 32,
    precision: str | Sequence[str] = "float32",
    compile: str | Sequence[str] = "auto",
    input: Shape | None = None,
    peer: str | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Measure how fast networks train and predict on this machine, and which of them is faster.

    Each of `engine` to `compile` may be a list; all values are combined.

    Args:
        variants: Names or paths of stage specs. The first is the baseline: the others are timed in turns with it.
        engine: `mxnet`, `torch` or `auto`.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        mode: `infer`, `train` (forward, backward and update together), `forward`, `backward` or `update`.
        batch_size: The number of images in a batch; `max` searches the largest that fits.
        precision: `float32`, `bfloat16` (torch) or `float16` (mxnet).
        compile: A compile mode of the engine, or `auto`.
        input: (channels, height, width); each spec's own if None.
        peer: `gluoncv`, `timm` or `torchvision`: also measure the library's networks, in turns with ours.
        threads: CPU threads; if None, what OMP_NUM_THREADS says, else one for each core.
        tell: Called with a line of text after each row.

    Returns:
        A DataFrame with one row for each network of each combination; docs/bench.md describes the columns.

    Raises:
        LabError: A variant or a value does not exist, or cannot work here.
    """
    import pandas as pd

    from .sweeps.bench.plan import plan
    from .sweeps.bench.run import run as take

    lists = {"engine": engine, "device": device, "mode": mode, "batch_size": batch_size}
    lists |= {"precision": precision, "compile": compile}
    choices: dict[str, Any] = {
        name: [value] if isinstance(value, (str, int)) else list(value) for name, value in lists.items()
    }
    jobs = plan(variants, **choices, input=input, peer=peer, threads=threads)
    return pd.DataFrame(take(jobs, tell))


def calibrate(
    engine: str = "auto", device: str = "auto", precision: str = "float32", on_sample: OnSample | None = None
) -> Calibration:
    """Measure small networks on this machine, and keep their times, so that `predict_cost` can predict from them.

    Args:
        engine: `mxnet`, `torch` or `auto`.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        precision: `float32`, `bfloat16` (torch) or `float16` (mxnet).
        on_sample: Called before each network is measured: its number from 1, how many there are, its name.

    Returns:
        The calibration: `.here`, `.took_s`, `.other_load`, `.train.held_out_error` and `.predict(graph, batch)`. It is
        kept in the user's cache folder.

    Raises:
        LabError: The engine, the device or the precision cannot be used here.
    """
    from .training.calibration import calibrate as measure
    from .training.cost_prediction import this_machine

    found = measure(this_machine(engine, device, precision), on_sample or (lambda number, count, name: None))
    found.save()
    return found


def predict_cost(
    name: str,
    engine: str = "auto",
    batch_size: int = 32,
    input: Shape | None = None,
    classes: int | None = None,
    device: str = "auto",
    precision: str = "float32",
) -> Prediction:
    """Predict what training and inference of a variant cost on this machine, which `calibrate` has measured.

    Args:
        name: The variant's name, or the path of its YAML file.
        engine: `mxnet`, `torch` or `auto`.
        batch_size: The number of images in a batch.
        input: (channels, height, width); the spec's own if None.
        classes: Outputs of the head; the spec's own if None.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        precision: `float32`, `bfloat16` (torch) or `float16` (mxnet).

    Returns:
        The prediction: `.train_s`, `.train_images_per_s`, `.infer_s`, `.peak_bytes`, and by layer `.train_layers`,
        `.infer_layers` and `.kept`.

    Raises:
        LabError: As `graph`; or this machine is not calibrated for the engine, the device and the precision.
    """
    from .training.cost_prediction import load as read
    from .training.cost_prediction import this_machine

    return read(this_machine(engine, device, precision)).predict(graph(name, input, classes), batch_size)


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

    from .specs.experiment import load as load_experiment
    from .sweeps.executors.cluster import choose
    from .sweeps.progress import Silent, for_console
    from .sweeps.run import run as run_sweep

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

    from .results.verdict import frame
    from .sweeps.pairs import judged, run_pairs
    from .sweeps.tryout import prepare

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
    from .results.status import status as read_status

    return read_status(Path(results))


def verdicts(
    results: str | Path,
    baseline: str | None = None,
    *,
    metrics: Sequence[str] | None = None,
    smallest: Mapping[str, float] | None = None,
    confidence: float | None = None,
) -> pd.DataFrame:
    """Judge the variants of an experiment: better, worse, the same as the baseline, or undecided.

    Args:
        results: The experiment's results folder, or a `trials.csv`.
        baseline: The variant with which the others are compared; that of the experiment if None.
        metrics: Columns of results; if None, the accuracy, the speed of training, the parameters and the multiply-adds.
        smallest: For a metric the difference that would matter; that of the experiment's `decide` if None.
        confidence: Of the intervals; that of the experiment's `decide`, or 0.95, if None.

    Returns:
        A DataFrame with one row for each metric and variant: the mean difference, its interval, the p-value, the word
        and the reason; `results.verdict.Verdict` describes the columns.

    Raises:
        LabError: There is no results table, no such baseline or metric, or the trials have several recipes.
    """
    from .results.design import judge
    from .results.store import read
    from .results.verdict import frame

    path = Path(results)
    return frame(judge(read(path), [path], baseline, metrics, smallest, confidence))


def compare(
    results: str | Path | Sequence[str | Path],
    *,
    by: str | Sequence[str] | None = None,
    where: str | None = None,
    best: str | None = None,
    sort: str | None = None,
    columns: Sequence[str] | None = None,
    against: str | None = None,
    stale: bool = False,
    pivot: str | None = None,
    pareto: str | Sequence[str] | None = None,
    plot: str | Path | None = None,
    plot_kind: Literal["front", "curves", "bars"] = "front",
    metric: str | None = None,
) -> pd.DataFrame:
    """Compare trials in a table, and draw a figure of them.

    Args:
        results: A results folder or a `.csv` file of trials, or a list of them.
        by: Average over the seeds, for each value of these columns; each setting has its row.
        where: Take only the trials for which this condition holds, such as `params < 30e6`.
        best: `val_accuracy` or `best_val_accuracy`: each variant at its setting with the best validation accuracy.
        sort: A column; `-column` sorts downwards.
        columns: The columns of the table; if None, the usual ones and those in which the trials differ.
        against: A variant, or a table of published figures: a `.csv` file, or a name such as `he2015_cifar10`.
        stale: Keep the trials that the experiment no longer asks for.
        pivot: `ROWS,COLUMNS` or `ROWS,COLUMNS,METRIC`, such as `depth,family`.
        pareto: Columns such as `test_accuracy,-macs`: adds the column `is_pareto`. A minus means that less is better.
        plot: Draw a figure into this file (.png, .svg, .pdf).
        plot_kind: What the figure shows: the Pareto front, learning curves, or bars with intervals.
        metric: The column that curves and bars show; the first accuracy that was measured if None.

    Returns:
        A DataFrame. `.attrs["notes"]` is a list of messages that belong to it; one that begins with `warning:` names
        the columns in which the rows differ although a comparison must hold them fixed.

    Raises:
        LabError: There are no results, the condition is wrong, a column, a variant or a reference is not there, or the
            figure cannot be drawn.
    """
    from .results.compare import compare as compared
    from .results.store import read_several

    paths = [Path(path) for path in ([results] if isinstance(results, (str, Path)) else results)]
    joined = read_several(paths)
    options: dict[str, Any] = {"by": by, "best": best, "sort": sort, "columns": columns, "against": against}
    options |= {"stale": stale, "pivot": pivot, "pareto": pareto}
    table = compared(joined, where=where, paths=paths, **options)
    if plot is not None:
        from .results.plots import draw

        table.attrs["notes"] += draw(plot_kind, Path(plot), joined, paths, where=where, pareto=pareto, metric=metric)
    return table


def edf(
    results: str | Path | Sequence[str | Path],
    *,
    by: str | Sequence[str] | None = None,
    metric: str = "test_accuracy",
    baseline: str | None = None,
    levels: Sequence[float] | None = None,
    where: str | None = None,
) -> pd.DataFrame:
    """Compare populations of networks by the distributions of their errors (Radosavovic et al. 2019).

    Args:
        results: A results folder or a `.csv` file of trials, or a list of them.
        by: The columns whose values tell the populations apart; if None, the variant, or with several folders the
            folder (`experiment`).
        metric: An accuracy; the error is 1 minus it.
        baseline: The population with which the others are compared; the first if None.
        levels: The errors below which the share of the networks is given; chosen from all errors together if None.
        where: Take only the trials for which this condition holds, such as `params < 30e6`.

    Returns:
        A DataFrame with one row for each population; `results.edf.summary` describes the columns.

    Raises:
        LabError: There are no results, the condition is wrong, or a column, the metric or the baseline is not there.
    """
    from .results import edf as room
    from .results.select import where as taken
    from .results.store import read_several

    listed = [results] if isinstance(results, (str, Path)) else results
    table = read_several([Path(path) for path in listed])
    table = table if where is None else taken(table, where)
    several = room.populations(table, [by] if isinstance(by, str) else by, metric)
    return room.summary(several, baseline, levels)


def report(
    results: str | Path | Sequence[str | Path],
    output: str | Path = "report.html",
    *,
    baseline: str | None = None,
    where: str | None = None,
) -> Path:
    """Write a report on results: one HTML file with verdicts, a table, charts and drawings, which needs no network.

    Args:
        results: A results folder or a `.csv` file of trials, or a list of them.
        output: The file to write.
        baseline: Judge the variants against this one; the experiment's baseline if None.
        where: Take only the trials for which this condition holds, such as `params < 30e6`.

    Returns:
        The path of the file.

    Raises:
        LabError: There are no results, the condition or the baseline is wrong, or the file cannot be written.
    """
    from .results.report.write import report as write

    listed = [results] if isinstance(results, (str, Path)) else results
    write([Path(path) for path in listed], Path(output), baseline=baseline, where=where)
    return Path(output)
