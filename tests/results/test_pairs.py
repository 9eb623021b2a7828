"""Runs are paired by their seed, under one recipe."""

import math

import pytest

from resnet_lab import LabError
from resnet_lab.results.verdict import verdicts
from tests.results.tables import table


def one(rows, **options):
    """The one verdict on the accuracy of the only variant."""
    (verdict,) = verdicts(rows, "base", ["test_accuracy"], **options)
    return verdict


def test_only_seeds_that_both_ended_ok_are_pairs():
    rows = table(v=0.01)
    rows.loc[(rows["variant"] == "v") & (rows["seed"] == 3), "status"] = "diverged"
    rows.loc[(rows["variant"] == "base") & (rows["seed"] == 5), "test_accuracy"] = math.nan
    found = one(rows)
    assert found.n == 6
    rows.loc[rows["variant"] == "v", "status"] = "failed"
    nothing = one(rows)
    assert (nothing.word, nothing.n) == ("undecided", 0)
    assert nothing.reason == "no seed has a trial of both that ended ok"


def test_stale_trials_are_left_out():
    rows = table(v=0.01)
    rows["stale"] = rows["seed"] > 5
    assert one(rows).n == 6


@pytest.mark.parametrize(
    ("rows", "baseline", "options", "message"),
    [
        (table(v=0.0), "bas", {}, "unknown variant 'bas'; did you mean 'base'"),
        (table(), "base", {}, "there is no variant beside base"),
        (table(v=0.0), "base", {"metrics": ["test_acc"]}, "unknown metric 'test_acc'; did you mean 'test_accuracy'"),
        (table(v=0.0), "base", {"smallest": {"top1": 1}}, "unknown metric 'top1'"),
        (table(v=0.0).drop(columns="seed"), "base", {}, "no column 'seed'"),
        (
            table(v=0.0).assign(**{"train.optimizer.lr": [0.1, 0.2] * 8}),
            "base",
            {},
            'the trials differ in train.optimizer.lr, .* --where "train.optimizer.lr == 0.1"',
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(rows, baseline, options, message):
    with pytest.raises(LabError, match=message):
        verdicts(rows, baseline, **options)
