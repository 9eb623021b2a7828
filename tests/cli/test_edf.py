"""Populations on a terminal, and the words that go with --edf."""

import json

import numpy as np
import pytest

from resnet_lab.cli.edf import show
from resnet_lab.results import edf
from tests.results.test_edf import normal, table


@pytest.fixture
def results(tmp_path):
    rows = table(("resnet18", normal(0.1, 40, 0)), ("my_se_resnet18", [*normal(0.14, 40, 1), np.nan]))
    rows.to_csv(tmp_path / "trials.csv", index=False)
    return str(tmp_path)


@pytest.mark.parametrize("width", [60, 80, 140])
def test_everything_fits_the_terminal(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    several = edf.populations(
        table(("resnet18", normal(0.1, 40, 0)), ("my_se_resnet18", normal(0.14, 900, 1)), ("equal", normal(0.1, 40, 2)))
    )
    show(edf.summary(several), ["a note"])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert max(map(len, lines)) <= width
    said = " ".join(" ".join(lines).split())
    assert "my_se_resnet18 against resnet18: the distributions of the errors differ; p is" in said
    assert "equal against resnet18: no difference is shown; p is" in said
    assert "corrected for 2 populations" in said
    assert "note: a note" in said
    for name in ("n", "min", "25 %", "median", "75 %", "below 0.12", "ks", "p"):
        assert name in said


def test_compare_compares_populations(lab, results):
    done = lab("compare", results, "--edf", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "my_se_resnet18 against resnet18: the distributions of the errors differ" in said
    assert "note: 1 trial(s) of my_se_resnet18 diverged; each counts with the error 1" in said


def test_compare_takes_a_baseline_a_condition_an_accuracy_and_a_format(lab, results):
    words = ("--baseline", "my_se_resnet18", "--where", "seed == 0", "--columns", "val_accuracy", "--format", "json")
    done = lab("compare", results, "--edf", *words)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)
    assert (first["population"], first["n"], second["n"]) == ("resnet18", 40, 41)
    assert first["p"] < 0.05
    assert second["p"] is None
    assert first["median"] == pytest.approx(0.55, abs=0.01)


def test_several_folders_are_populations(lab, tmp_path):
    for name, mean in (("narrow", 0.1), ("wide", 0.2)):
        (tmp_path / name).mkdir()
        table(("net", normal(mean, 20, 0))).assign(trial=lambda rows, name=name: name + rows["trial"]).to_csv(
            tmp_path / name / "trials.csv", index=False
        )
    done = lab(
        "compare", str(tmp_path / "narrow"), str(tmp_path / "wide"), "--edf", "--plot", str(tmp_path / "edf.png")
    )
    assert done.returncode == 0, done.stderr
    assert "wide against narrow: the distributions of the errors differ" in done.stdout
    assert (tmp_path / "edf.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--edf", "--sort", "n"), "--edf goes with --by, --where, --baseline, --columns, --plot and --format alone"),
        (("--edf", "--columns", "test_accuracy,val_accuracy"), "--edf compares one accuracy"),
        (("--edf", "--baseline", "resnet81"), "unknown population 'resnet81'; did you mean 'resnet18'?"),
        (("--edf", "--plot-kind", "bars"), "they work only with --plot and without --edf"),
        (("--edf", "--plot", "edf"), "names no file for a plot"),
    ],
)
def test_mistakes_are_one_message(lab, results, words, message):
    done = lab("compare", results, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
