"""`resnet-lab run`: its page of help and its list of trials."""

import inspect
import re
import textwrap
from pathlib import Path

import pytest

import resnet_lab as rl
from resnet_lab.base.files import write_json
from resnet_lab.cli import run
from resnet_lab.results import design
from resnet_lab.specs.experiment import DecideSpec, load
from resnet_lab.sweeps.plan import plan
from tests.conftest import any_engine
from tests.results.tables import table

EXAMPLE = re.search(r"```yaml\n(.*?)```", inspect.getdoc(run.command), re.DOTALL)[1]


def test_the_experiment_of_the_help_is_one(workspace):
    assert len(EXAMPLE.splitlines()) <= 12
    (workspace / "experiments" / "e.yaml").write_text(textwrap.dedent(EXAMPLE))
    trials = plan(load("e", [f"engine={any_engine()}", "variants=[resnet18, resnet34]"])).trials
    assert len(trials) == 2 * 2 * 3
    assert {trial.train.optimizer.lr for trial in trials} == {0.1, 0.05}


def test_a_dry_run_lists_the_trials_and_writes_nothing(workspace, call):
    (workspace / "experiments" / "e.yaml").write_text(textwrap.dedent(EXAMPLE))
    printed = call("run", "e", "--engine", any_engine(), "--set", "variants=[resnet18]", "--dry-run")
    assert "e: 6 trials" in printed
    assert printed.count("to do") == 6
    assert " lr " in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert not (workspace / "results").exists()


def test_a_dry_run_shows_which_trials_were_stopped_early(workspace, call):
    (workspace / "experiments" / "e.yaml").write_text(textwrap.dedent(EXAMPLE))
    words = ("run", "e", "--engine", any_engine(), "--set", "variants=[resnet18]", "--dry-run")
    trial = next(line.split()[0] for line in call(*words).splitlines() if "resnet18" in line)
    folder = workspace / "results" / "e" / "trials" / trial
    folder.mkdir(parents=True)
    write_json(folder / "result.json", {"status": "stopped"})
    row = next(line.split() for line in call(*words).splitlines() if trial in line)
    assert row[-1] == "stopped"


def test_a_preset_has_a_folder_of_results_of_its_own(workspace, call):
    text = (
        "variants: [cifar_resnet20]\ndata: {size: 8, limit: 32}\ntrain: {epochs: 9, batch_size: 32}\nmeasure: false\n"
    )
    (workspace / "experiments" / "e.yaml").write_text(text + "presets: {tiny: {train.epochs: 1}}\n")
    printed = call("run", "e", "--engine", any_engine(), "--preset", "tiny", "--set", "seeds=[3]")
    assert "e-tiny: 1 trials" in printed
    assert rl.results(workspace / "results" / "e-tiny")[["epochs", "seed"]].to_numpy().tolist() == [[1, 3]]
    assert not (workspace / "results" / "e").exists()
    again = rl.run("e", preset="tiny", settings=["seeds=[3]", f"engine={any_engine()}"], progress=False)
    assert again["started"].tolist() == rl.results("results/e-tiny")["started"].tolist()


def test_a_dry_run_names_swept_keys_as_long_as_it_must_and_says_what_runs_once(workspace, call):
    (workspace / "experiments" / "e.yaml").write_text(textwrap.dedent(EXAMPLE))
    grid = "grid={variant.stages.1.stride_on: [1x1], variant.stages.2.stride_on: [1x1, 3x3]}"
    words = ("--set", "variants=[resnet18, resnet50]", "--set", grid, "--set", "seeds=[0]", "--dry-run")
    printed = call("run", "e", "--engine", any_engine(), *words)
    assert "e: 3 trials" in printed
    assert "1.stride_on" in printed
    assert "variant.stages" not in printed
    assert printed.count("where no block of resnet18 takes 'stride_on', it is trained once") == 2


def test_the_number_of_threads_and_a_busy_machine(workspace, call, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr("resnet_lab.base.other_load.OtherLoad.cores", lambda self: 1.5)
    (workspace / "experiments" / "e.yaml").write_text(
        "variants: [cifar_resnet20]\ndata: {size: 8, limit: 32}\ntrain: {epochs: 1, batch_size: 32}\nmeasure: false\n"
    )
    printed = call("run", "e", "--engine", any_engine(), "--threads", "1")
    assert (
        "the machine is busy: other programs use 1.5 cores, so times and throughput will not be comparable" in printed
    )
    assert ", 1 thread(s)" in printed
    assert rl.results("results/e")["threads"].tolist() == [1]


AUTO = "variants: [cifar_resnet20, cifar_resnet32]\nbaseline: cifar_resnet20\nseeds: auto\ndecide: {at_most: 8}\n"


def test_a_dry_run_says_how_many_trials_auto_runs_at_most(workspace, call):
    (workspace / "experiments" / "e.yaml").write_text(AUTO + "train: {epochs: 1, batch_size: 32}\n")
    assert "e: at most 16 trials" in call("run", "e", "--engine", any_engine(), "--dry-run")


def test_trials_that_cannot_be_judged_are_no_error_of_the_run(capsys):
    run._show_verdicts(table(v=0.01), Path("nowhere"))
    assert "no verdicts: the results name no baseline" in capsys.readouterr().out
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(design, "read", lambda folder: design.Design("base", DecideSpec(), False, 1))
        run._show_verdicts(table(v=0.01), Path("nowhere"))
        assert "v, test accuracy: better; p is 0.0078\n" in capsys.readouterr().out
        run._show_verdicts(table(v=0.01).assign(**{"train.optimizer.lr": range(16)}), Path("nowhere"))
    assert "no verdicts: the trials differ in train.optimizer.lr" in capsys.readouterr().out


def test_a_dry_run_refuses_what_a_run_would_refuse(workspace, lab):
    (workspace / "experiments" / "e.yaml").write_text(
        "variants: [cifar_resnet20]\ntrain: {epochs: 9, batch_size: 32}\nsearch:\n  random: 2\n"
        "  space: {train.optimizer.lr: [0.1, 0.2]}\n  halving: {metric: val_accuracy}\n"
    )
    done = lab("run", "e", "--engine", any_engine(), "--dry-run", cwd=workspace)
    assert done.returncode == 2
    assert "'halving' compares trials by their validation images" in done.stderr
