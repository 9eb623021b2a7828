"""Verdicts on a terminal: 80 columns, a line for each, and what five pairs cannot show."""

import json

import numpy as np
import pandas as pd
import pytest

from resnet_lab.cli.verdicts import show
from resnet_lab.results.verdict import verdicts


def trials(seeds, *variants):
    noise = np.random.default_rng(0).normal(0, 0.002, (1 + len(variants), seeds))
    rows = []
    for side, variant in enumerate(("resnet18", *variants)):
        for seed in range(seeds):
            accuracy = 0.93 + 0.01 * side + noise[side, seed]
            rows.append(
                {
                    "variant": variant,
                    "seed": seed,
                    "status": "ok",
                    "params": 11_181_642 + side,
                    "macs": 37_022_720,
                    "test_accuracy": accuracy,
                    "train_images_per_s": 700.0 + seed,
                }
            )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("seeds", [1, 5, 12])
@pytest.mark.parametrize("width", [60, 80, 140])
def test_everything_fits_the_terminal(seeds, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    show(verdicts(trials(seeds, "my_se_resnet18", "wider"), "resnet18"))
    printed = capsys.readouterr().out
    assert max(map(len, (line.rstrip() for line in printed.splitlines()))) <= width
    head = printed.splitlines()[0].split()
    assert {"variant", "metric", "n", "difference", "verdict"} <= set(head)
    assert printed.count("my_se_resnet18, ") == 4
    assert ("column(s) left out" in printed) == (width < 140)


def test_each_verdict_has_a_line(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    show(verdicts(trials(8, "wider"), "resnet18"))
    printed = capsys.readouterr().out
    assert "wider, test accuracy: better; p is 0.0078\n" in printed
    assert "wider, params: worse; counted: 11,181,643 and 11,181,642\n" in printed
    assert "wider, macs: same; counted: 37,022,720 and 37,022,720\n" in printed
    assert "wider, train images/s: undecided; the rows do not say when the trials ran\n" in printed
    show([])
    assert capsys.readouterr().out == ""


@pytest.fixture
def results(tmp_path):
    trials(5, "wider").to_csv(tmp_path / "trials.csv", index=False)
    return str(tmp_path)


def test_compare_says_what_five_pairs_can_reach(lab, results):
    done = lab("compare", results, "--baseline", "resnet18", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    said = " ".join(done.stdout.split())
    assert (
        "note: 5 pairs: the smallest p they can reach is 0.0625, so no difference can be significant at 0.05; "
        "6 pairs are the least that can" in said
    )
    assert "wider, test accuracy: undecided" in said


def test_compare_takes_metrics_a_smallest_difference_and_a_format(lab, results):
    words = ("--columns", "test_accuracy", "--smallest", "test_accuracy=0.5", "--format", "json")
    done = lab("compare", results, "--baseline", "resnet18", *words)
    (found,) = json.loads(done.stdout)
    assert (found["metric"], found["word"], found["n"]) == ("test_accuracy", "undecided", 5)
    assert found["more_seeds"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--baseline", "resnet81"), "unknown variant 'resnet81'; did you mean 'resnet18'?"),
        (("--baseline", "resnet18", "--by", "variant"), "--baseline goes with --where, --columns, --smallest and"),
        (("--smallest", "test_accuracy=0.1"), "it works only with --baseline"),
        (("--baseline", "resnet18", "--smallest", "test_accuracy"), "--smallest takes KEY=VALUE, such as test_acc"),
        (("--baseline", "resnet18", "--smallest", "test_accuracy=-1"), "is a number above 0"),
        (("--baseline", "resnet18", "--columns", "accuracy"), "unknown metric 'accuracy'"),
    ],
)
def test_mistakes_are_one_message(lab, results, words, message):
    done = lab("compare", results, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
