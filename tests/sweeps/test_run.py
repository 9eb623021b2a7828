"""Whole sweeps through the command line: nothing is lost, nothing is done twice, a bad trial is a row."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import resnet_lab as rl
from tests.conftest import ROOT
from tests.sweeps.conftest import TEXT
from tests.sweeps.pretending import Pretend, sweep


@pytest.mark.usefixtures("trains_here")
def test_a_sweep_from_the_first_run_to_the_second(tiny, lab, program):
    done = program("run", "experiments/e.yaml", cwd=tiny)
    assert done.returncode == 0, done.stderr
    assert "[2/2] tiny_plain mxnet seed=0" in done.stdout
    table = rl.results(tiny / "results" / "e")
    assert table["status"].tolist() == ["ok", "ok"]
    assert (table["test_accuracy"] > 0.5).all()
    for column in (
        "train_loss",
        "train_accuracy",
        "val_accuracy",
        "best_epoch",
        "test_top5",
        "train_images_per_s_p10",
        "compute_images_per_s",
        "infer_images_per_s_p90",
        "latency_ms",
        "peak_memory_mb",
        "wall_s",
        "device",
        "compile",
        "threads",
        "other_load",
        "processor",
        "python",
        "packages",
        "started",
    ):
        assert table[column].notna().all(), column
    assert (table["train_images_per_s_p10"] <= table["train_images_per_s"]).all()
    assert (table["train_images_per_s"] <= table["train_images_per_s_p90"]).all()
    assert "mxnet=1.9.1" in table["packages"][0]
    for column, value in (
        ("train.optimizer.momentum", 0.9),
        ("train.schedule.name", "cosine"),
        ("data.validation", 0.1),
    ):
        assert (table[column] == value).all(), column
    assert not table["stale"].any()
    epochs = pd.read_csv(tiny / "results" / "e" / "epochs.csv")
    assert list(epochs.columns[:5]) == ["trial", "variant", "engine", "dtype", "seed"]
    assert epochs.groupby("trial")["epoch"].apply(list).tolist() == [[1, 2, 3]] * 2
    assert epochs["val_accuracy"].notna().all()
    kept = {path.name for path in (tiny / "results" / "e" / "trials" / table["trial"][0]).iterdir()}
    assert kept == {"trial.json", "result.json", "epochs.json", "weights.safetensors", "test.npz", "log.txt"}

    before = (tiny / "results" / "e" / "trials.csv").read_bytes()
    again = lab("run", "experiments/e.yaml", cwd=tiny)
    assert again.returncode == 0
    assert "2 trials, 2 done already" in again.stdout
    assert (tiny / "results" / "e" / "trials.csv").read_bytes() == before
    shown = [text[text.index("\nvariant") :] for text in (done.stdout, again.stdout)]
    assert "tiny_plain" in shown[0]
    assert shown[0] == shown[1]

    (tiny / "experiments" / "e.yaml").write_text(
        TEXT.replace("[tiny, tiny_plain]", "[tiny, tiny_plain]\nseeds: [0, 1]")
    )
    more = lab("run", "experiments/e.yaml", "--set", "measure=false", cwd=tiny)
    assert "4 trials, 2 done already" in more.stdout
    assert sorted(rl.results(tiny / "results" / "e")["seed"]) == [0, 0, 1, 1]


MAPPING = {
    "variants": ["tiny"],
    "data": {"name": "digits", "size": 8, "limit": 200},
    "train": {"epochs": 2, "batch_size": 32},
    "measure": False,
}


@pytest.mark.usefixtures("trains_here")
def test_an_experiment_is_a_mapping_and_shows_lines_without_a_terminal(tiny, capsys):
    table = rl.run(MAPPING, name="mine", settings=["train.test_every=2"])
    assert (table["status"][0], table["data.limit"][0]) == ("ok", 200)
    lines = capsys.readouterr().out.splitlines()
    assert "mine: 1 trials, 0 done already" in lines
    assert any(line.startswith("  epoch 1/2: ") and line.endswith("left") for line in lines)
    epochs = rl.results("results/mine", epochs=True)
    assert epochs["epoch"].tolist() == [1, 2]
    assert epochs["test_accuracy"].isna().tolist() == [True, False]
    assert epochs["test_accuracy"][1] == table["test_accuracy"][0]
    rl.run(MAPPING, name="mine", progress=False)
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("trains_here")
def test_a_curve_that_was_not_measured_is_named(tiny, capsys):
    rl.run(MAPPING, name="mine", progress=False)
    again = rl.run(MAPPING, name="mine", settings=["train.test_every=1"])
    assert "1 finished trials were not tested after their epochs" in capsys.readouterr().out
    fresh = rl.run(MAPPING, name="mine", settings=["train.test_every=1"], fresh=True)
    assert "finished trials" not in capsys.readouterr().out
    assert rl.results("results/mine", epochs=True)["test_accuracy"].notna().all()
    assert again["trial"].equals(fresh["trial"])
    assert again["test_loss"].equals(fresh["test_loss"])


@pytest.mark.usefixtures("trains_here")
def test_two_runs_give_the_same_accuracies_and_fresh_runs_anew(tiny, lab):
    (tiny / "experiments" / "e.yaml").write_text(TEXT.replace(", tiny_plain", "") + "measure: false\n")
    first = rl.run("experiments/e.yaml", results="a")
    second = rl.run("experiments/e.yaml", results="b")
    columns = ["trial", "train_loss", "val_accuracy", "test_loss", "test_accuracy"]
    assert first[columns].equals(second[columns])
    again = lab("run", "experiments/e.yaml", "--results", "a", "--fresh", cwd=tiny)
    assert "e: 1 trials, 0 done already" in again.stdout
    assert "[1/1] tiny mxnet seed=0" in again.stdout
    fresh = rl.results("a/e")
    assert len(fresh) == 1
    assert fresh["started"][0] > first["started"][0]
    assert fresh["test_loss"][0] == pytest.approx(first["test_loss"][0], rel=1e-6)
    assert [path.name for path in (tiny / "a" / "e" / "trials").iterdir()] == [first["trial"][0]]


def test_failures_become_rows_and_the_sweep_goes_on(tiny, lab, request):
    """A rate that diverges, and a worker that dies, beside a trial that is fine."""
    text = TEXT.replace("[tiny, tiny_plain]", "[tiny]")
    (tiny / "experiments" / "e.yaml").write_text(text + "grid: {train.optimizer.lr: [1e38, 0.1]}\nmeasure: false\n")
    done = lab("run", "experiments/e.yaml", cwd=tiny)
    assert done.returncode == 1
    table = rl.results("results/e")
    assert table["status"].tolist() == ["diverged", "ok"]
    assert "training loss became" in table["reason"][0]
    assert "Traceback" not in done.stdout + done.stderr

    (tiny / "experiments" / "f.yaml").write_text(TEXT.replace("[tiny, tiny_plain]", "[tiny]"))
    broken = tiny / "site"
    (broken / "mxnet").mkdir(parents=True)  # what only the worker imports
    for code, status, told in [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "failed", "signal 11"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "failed", "killed by signal 9"),
        ("raise MemoryError('none left')", "out_of_memory", "MemoryError: none left"),
        ("raise RuntimeError('a fault')", "failed", "RuntimeError: a fault"),
        ("import os; os._exit(3)", "failed", "exit status 3"),
    ]:
        (broken / "mxnet" / "__init__.py").write_text(code)
        words = ("run", "experiments/f.yaml", "--set", "limits={retries: 0}")
        done = lab(*words, cwd=tiny, PYTHONPATH=f"{broken}{os.pathsep}{ROOT}")
        assert done.returncode == 1, done.stderr
        table = rl.results("results/f")
        assert (len(table), table["status"][0]) == (1, status)
        assert told in table["reason"][0]
    request.getfixturevalue("trains_here")
    done = lab("run", "experiments/f.yaml", "--set", "measure=false", cwd=tiny)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rl.results("results/f")["status"].tolist() == ["ok"]


@pytest.mark.usefixtures("trains_here")
def test_the_same_network_under_two_names_is_trained_once(tiny, lab):
    (tiny / "variants" / "twin.yaml").write_text("extends: tiny\n")
    settings = ["--set", "variants=[tiny, twin]", "--set", "measure=false", "--set", "compile=off"]
    done = lab("run", "experiments/e.yaml", *settings, cwd=tiny)
    assert done.returncode == 0
    assert "compile off (asked for)" in done.stdout
    assert rl.results("results/e")["compile"].tolist() == ["off"]
    assert "twin is the same trial as tiny" in done.stdout
    planned = lab("run", "experiments/e.yaml", "--set", "variants=[tiny, twin]", "--dry-run", cwd=tiny)
    assert "e: 1 trials" in planned.stdout
    assert "twin is the same trial as tiny; it runs once, under the name tiny" in planned.stdout
    assert rl.results("results/e")["variant"].tolist() == ["tiny"]


def test_two_runs_in_one_folder_are_refused(tiny, lab):
    from filelock import FileLock

    (tiny / "results" / "e").mkdir(parents=True)
    with FileLock(tiny / "results" / "e" / ".lock"):
        done = lab("run", "experiments/e.yaml", cwd=tiny)
    assert done.returncode == 2
    assert done.stderr == (
        "resnet-lab: another run is writing to results/e; wait for it, or name another folder with --results\n"
    )


def test_two_files_of_one_name_do_not_share_a_results_folder(tiny, lab):
    (tiny / "other").mkdir()
    (tiny / "other" / "e.yaml").write_text(TEXT)
    (tiny / "results" / "e").mkdir(parents=True)
    (tiny / "results" / "e" / "experiment.json").write_text('{"file": "../../experiments/e.yaml"}\n')
    done = lab("run", "other/e.yaml", cwd=tiny)
    assert done.returncode == 2
    assert done.stderr.startswith("resnet-lab: other/e.yaml: results/e holds the results of another experiment")
    assert done.stderr.count("\n") == 1


def test_trials_run_in_the_order_of_the_plan_as_many_at_once_as_the_executor_can(tiny):
    executor = Pretend()
    table, _ = sweep("seeds=[0, 1]", executor=executor)
    assert executor.order == [("tiny", 0), ("tiny", 1), ("tiny_plain", 0), ("tiny_plain", 1)]
    assert executor.most == 2
    assert table[["variant", "seed"]].values.tolist() == [list(item) for item in executor.order]
    again = Pretend()
    sweep("seeds=[0, 1, 2]", executor=again)
    assert again.order == [("tiny", 2), ("tiny_plain", 2)]


def test_a_matched_variant_is_written_as_a_spec_and_named_in_its_row(tiny):
    (tiny / "variants" / "wide.yaml").write_text("extends: tiny\nevery_stage: {block: bottleneck}\n")
    settings = ("variants=[tiny, wide]", "baseline=tiny", "match=macs")
    table, notes = sweep(*settings)
    file = Path("results/e/matched/wide.yaml")
    assert any(line.startswith("wide is matched in macs: width") and str(file) in line for line in notes)
    assert table["matched"].isna().tolist() == [True, False]
    graph = rl.graph(f"./{file}")
    assert graph.macs == table["macs"][1]
    assert graph.digest == table["graph"][1]
    sweep(*settings, "grid={data.size: [8, 10]}")
    assert len({rl.graph(f"./{path}").digest for path in file.parent.glob("wide-*.yaml")}) == 2


def test_a_worker_that_dies_is_a_row_and_runs_again_next_time(tiny):
    table, _ = sweep(executor=Pretend(tiny="dies"))
    assert table["status"].tolist() == ["failed", "ok"]
    assert table["reason"].tolist()[0] == "the worker ended with signal 11 (tried 2 times)"
    again = Pretend()
    assert sweep(executor=again)[0]["status"].tolist() == ["ok", "ok"]
    assert again.order == [("tiny", 0)]


def test_a_fresh_training_that_fails_keeps_the_older_result(tiny):
    first, _ = sweep()
    folder = Path("results/e/trials") / first["trial"][0]
    before = (folder / "weights.safetensors").read_text()
    table, notes = sweep(fresh=True, executor=Pretend(tiny="dies"))
    assert table["status"].tolist() == ["failed", "ok"]
    assert any(f"the older result of {folder.name} is kept" in note for note in notes)
    assert rl.results("results/e")["status"].tolist() == ["ok", "ok"]
    assert (folder / "weights.safetensors").read_text() == before
    replaced = Path("results/e/trials") / first["trial"][1] / "weights.safetensors"
    sweep("variants=[tiny_plain]", fresh=True)
    assert replaced.read_text() == "('tiny_plain', 0)"


def test_trials_that_the_experiment_no_longer_has_are_stale_and_can_be_pruned(tiny):
    sweep("seeds=[0, 1]")
    mine, _ = sweep("seeds=[1]")
    table = rl.results("results/e")
    assert table.groupby("seed")["stale"].first().to_dict() == {0: True, 1: False}
    assert mine["seed"].tolist() == [1, 1]
    _, notes = sweep("seeds=[1]", prune=True)
    assert [note for note in notes if note.startswith("removed the stale trial")] == [
        note for note in notes if "seed 0, status ok" in note
    ]
    assert rl.results("results/e")["seed"].tolist() == [1, 1]
    assert len(list(Path("results/e/trials").iterdir())) == 2


def test_pruning_goes_by_the_file_alone(tiny, lab):
    done = lab("run", "experiments/e.yaml", "--prune", "--set", "seeds=[1]", cwd=tiny)
    assert done.returncode == 2
    assert done.stderr.startswith("resnet-lab: --prune keeps the trials that the experiment's file asks for")


@pytest.mark.parametrize("name", ["result.json", "trial.json", "epochs.json"])
def test_a_truncated_file_costs_at_most_its_trial_and_is_named(tiny, name):
    first, _ = sweep()
    path = Path("results/e/trials") / first["trial"][0] / name
    path.write_text(path.read_text()[:30])
    executor = Pretend()
    table, notes = sweep(executor=executor)
    assert table["status"].tolist() == ["ok", "ok"]
    assert [note for note in notes if str(path) in note]
    assert executor.order == ([("tiny", 0)] if name == "result.json" else [])
    again = Pretend()
    assert not [note for note in sweep(executor=again)[1] if str(path) in note]
    assert again.order == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, where nobody can write")
def test_a_results_folder_that_cannot_be_written_is_one_message(tiny, lab):
    for place in ("results", "/proc/results"):
        if place == "results":
            (tiny / "results").symlink_to("/proc/self")
        done = lab("run", "experiments/e.yaml", "--results", place, cwd=tiny)
        assert done.returncode == 2
        assert done.stderr.startswith(f"resnet-lab: the results folder {place}/e cannot be written: ")
        assert done.stderr.count("\n") == 1


def test_a_full_disk_is_one_message(tiny):
    """Files may not grow beyond 2 KB, which the first trial's configuration does."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "
        "sys.argv = ['resnet-lab', 'run', 'experiments/e.yaml']; from resnet_lab.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tiny, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "results/e" in done.stderr
