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


def test_two_networks_of_one_name_are_not_judged_as_one():
    """A block that was edited between two sweeps, or two specs of one name: half of the pairs would be of the other."""
    rows = table(v=0.01)
    rows = rows.assign(graph=["aaa" if name == "base" else "bbb" for name in rows["variant"]])
    assert one(rows).n == 8
    rows.loc[(rows["variant"] == "v") & (rows["seed"] > 3), "graph"] = "ccc"
    with pytest.raises(LabError, match="the trials of v have trained 2 different networks") as error:
        verdicts(rows, "base")
    assert "--where \"graph != 'bbb'\"" in str(error.value)


def test_each_value_of_an_option_that_the_baseline_does_not_take_is_a_variant():
    rows = table(v=0.01, w=0.02)
    option = [{"base": math.nan, "v": 4.0, "w": 8.0}[name] for name in rows["variant"]]
    rows = rows.assign(**{"variant.every_stage.reduction": option}).replace({"variant": {"w": "v"}})
    found = verdicts(rows, "base", ["test_accuracy"])
    assert [verdict.variant for verdict in found] == ["v reduction=4", "v reduction=8"]
    assert found[0].difference < found[1].difference
    assert {verdict.n for verdict in found} == {8}
    theirs = rows.assign(**{"variant.every_stage.reduction": rows["variant.every_stage.reduction"].fillna(4.0)})
    with pytest.raises(LabError, match=r"the trials differ in variant.every_stage.reduction"):
        verdicts(theirs, "base", ["test_accuracy"])


def test_an_option_with_one_value_leaves_the_variants_name():
    rows = table(v=0.01)
    rows["variant.every_stage.kind"] = [None if name == "base" else "wide" for name in rows["variant"]]
    assert one(rows).variant == "v"
