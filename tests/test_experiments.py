"""The experiments that ship: each form can be planned, its first lines say how to run it, and its results are shown."""

import re
import shlex
from functools import cache

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import resnet_lab as rl
from resnet_lab import engines
from resnet_lab.cli.app import build
from resnet_lab.specs.experiment import load
from resnet_lab.specs.workspace import shipped
from resnet_lab.sweeps.plan import plan
from tests.conftest import ROOT, any_engine
from tests.test_docs import rows

FILES = sorted(shipped("experiments").glob("*.yaml"))
FORMS = [(file, preset) for file in FILES for preset in (None, *load(file).spec.presets)]
OF_THE_LITERATURE = {file for file, preset in FORMS if preset == "small"}


def first_lines(file):
    """The comment at the beginning of a file, in one line."""
    lines = file.read_text(encoding="utf-8").splitlines()
    count = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return " ".join(line.removeprefix("#").strip() for line in lines[:count])


@cache
def planned(name, preset, *settings):
    return plan(load(name, [f"engine={any_engine()}", *settings], preset=preset))


@pytest.mark.parametrize(("file", "preset"), FORMS, ids=[f"{file.stem}-{preset}" for file, preset in FORMS])
def test_each_form_can_be_planned(file, preset):
    # The pictures of ImageNet are in no test, and MXNet has no bfloat16.
    other = ["data.name=synthetic", "data.classes=1000", "precision=float32"] if file.stem == "imagenet" else []
    found = planned(file.stem, preset, *other)
    assert not found.duplicates
    assert len(found.trials) == len({trial.id for trial in found.trials})
    assert len({trial.variant for trial in found.trials}) == len(load(file, preset=preset).spec.variants)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_first_lines_say_how_to_run_each_form(file):
    text = first_lines(file)
    command = f"resnet-lab run experiments/{file.name}"
    assert command in text
    for preset in load(file).spec.presets:
        assert re.search(rf"{re.escape(command)}[^#]*?--preset {preset}\b", text), preset
    if "small" in load(file).spec.presets and file.stem != "imagenet":
        assert re.search(r"--preset small [^#]*?\d+ (seconds|minutes) on one core", text)


@pytest.mark.parametrize("file", sorted(OF_THE_LITERATURE), ids=lambda file: file.stem)
def test_the_small_form_asks_the_same_question_with_less(file):
    full, small = load(file).spec, load(file, preset="small").spec
    assert small.train.epochs < full.train.epochs or len(small.variants) < len(full.variants)
    assert (small.baseline is None) == (full.baseline is None)
    assert small.grid == full.grid
    assert len(small.seeds) >= len(full.seeds)


def test_the_nets_of_degradation_differ_in_their_shortcuts_only():
    for depth in (20, 56):
        plain, residual = (rl.graph(f"cifar_{kind}{depth}") for kind in ("plain", "resnet"))
        assert (plain.params, plain.macs, plain.depth) == (residual.params, residual.macs, residual.depth)
        assert not [node for node in plain.nodes if node.op == "add"]
        assert len([node for node in residual.nodes if node.op == "add"]) == (depth - 2) // 2


def test_the_blocks_are_compared_at_equal_cost():
    costs = {trial.graph.macs for trial in planned("blocks", None).trials}
    assert max(costs) / min(costs) < 1.02


@pytest.fixture
def imagenet(workspace, monkeypatch):
    """A folder with the layout of ImageNet: 1,000 classes, each with a picture to train on and one to test on."""
    rng = np.random.default_rng(0)
    for part in ("train", "val"):
        for number in range(1000):
            folder = workspace / "data" / "imagenet" / part / f"n{number:08}"
            folder.mkdir(parents=True)
            pixels = rng.integers(0, 256, (12, 16, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.JPEG")
    monkeypatch.setenv("RESNET_LAB_DATA", str(workspace / "data"))


@pytest.mark.slow
def test_imagenet_trains_on_a_folder_of_the_right_layout(imagenet):
    """Every part of the recipe on few tiny pictures, with a smaller network."""
    tiny = ["variants=[cifar_resnet20]", f"engine={any_engine()}", "data.size=8", "data.limit=32", "data.workers=0"]
    table = rl.run("imagenet", preset="small", settings=[*tiny, "train.batch_size=16"], progress=False)
    assert table["status"].tolist() == ["ok"]
    assert table["classes"].tolist() == [1000]


def test_the_preset_adamw_changes_the_optimizer_alone():
    recipe, adamw = load("imagenet").spec.train, load("imagenet", preset="adamw").spec.train
    assert (recipe.clip_norm, recipe.ema, recipe.label_smoothing) == (5.0, 0.9999, 0.1)
    assert (adamw.optimizer.name, adamw.optimizer.lr, adamw.optimizer.decay) == ("adamw", 0.002, "weights")
    assert adamw.model_copy(update={"optimizer": recipe.optimizer}) == recipe


PAGE = (ROOT / "docs" / "literature.md").read_text(encoding="utf-8")


def shown_commands():
    """Each command of the page, and what the page shows under it."""
    for text in re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S):
        for part in re.split(r"^\$ resnet-lab ", text, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


@pytest.mark.parametrize(("command", "shown"), [*shown_commands()])
def test_the_page_shows_what_the_committed_tables_give(command, shown, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(build(), shlex.split(command))
    assert done.exit_code == 0, done.output
    lines = [[line.rstrip() for line in text.splitlines() if line.strip()] for text in (done.stdout, shown)]
    assert lines[0] == lines[1]


@pytest.mark.parametrize("folder", sorted((ROOT / "results" / "literature").iterdir()), ids=lambda folder: folder.name)
def test_the_committed_tables_are_those_of_the_small_forms(folder):
    """The same trials, by their ids, that the experiment asks for today, or those of them that were run."""
    table = pd.read_csv(folder / "trials.csv")
    engine = table["engine"].iloc[0]
    if engine not in engines.names() or engines.get(engine).problem():
        pytest.skip(f"the engine {engine} cannot run here")
    name, _, preset = folder.name.rpartition("-")
    asked = {trial.id for trial in plan(load(name, [f"engine={engine}"], preset=preset)).trials}
    assert set(table["trial"]) <= asked
    assert set(table["status"]) == {"ok"}
    assert {"device", "processor", "started", "revision", "packages"} <= set(table.columns)
    epochs = pd.read_csv(folder / "epochs.csv")
    assert set(epochs["trial"]) == set(table["trial"])
    assert f"`{name}`" in PAGE


SUMMARY = rows(ROOT / "docs" / "results.md", 5)[1:]


def test_the_summary_holds_every_committed_table():
    folders = {path.name for path in (ROOT / "results" / "literature").iterdir()}
    assert {row[0].strip("`") for row in SUMMARY} == folders
    assert all((ROOT / "results" / "literature" / name / "report.png").is_file() for name in folders)


@pytest.mark.parametrize("row", SUMMARY, ids=lambda row: " ".join(row[:2]))
def test_the_summary_states_what_the_tables_give(row):
    folder, net, count, accuracy, _ = row
    table = pd.read_csv(ROOT / "results" / "literature" / folder.strip("`") / "trials.csv")
    variant, _, value = net.partition(", last_scale ")
    table = table[table["variant"] == variant.strip("`")]
    found = (table[table["train.init.last_scale"] == value] if value else table)["test_accuracy"]
    spread = f" ± {found.std():.4f}" if len(found) > 1 else ""
    assert (count, accuracy) == (str(len(found)), f"{found.mean():.4f}{spread}")


def test_our_curves_and_those_of_a_plain_loop_are_on_the_page():
    folder = ROOT / "results" / "literature" / "fashion_mnist-small"
    tables = [pd.read_csv(folder / f"{name}.csv").groupby("epoch") for name in ("epochs", "gluon_loop")]
    for epoch in range(1, 6):
        cells = [str(epoch)]
        for column in ("train_loss", "train_accuracy", "test_accuracy"):
            found = [table[column].agg(["mean", "std"]).loc[epoch] for table in tables]
            cells += [f"{one['mean']:.3f} ± {one['std']:.3f}" for one in found]
            noise = np.hypot(*[one["std"] for one in found])
            assert abs(found[0]["mean"] - found[1]["mean"]) < 2 * noise
        assert f"| {' | '.join(cells)} |" in PAGE
