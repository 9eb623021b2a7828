"""Comparison: what is averaged, what is held apart, and what trials are compared with."""

import pandas as pd
import pytest

from resnet_lab import LabError
from resnet_lab.results.compare import compare

LR = "train.optimizer.lr"


@pytest.fixture
def four(folder):
    """Two variants of one setting each; the second has one trial that did not end ok."""
    folder.put("a", 0, test_accuracy=0.9, train_images_per_s=100.0)
    folder.put("a", 1, test_accuracy=0.8, train_images_per_s=110.0)
    folder.put("b", 0, test_accuracy=0.7, train_images_per_s=50.0)
    folder.put("b", 1, status="diverged")
    return folder


def test_an_average_takes_ok_trials_only_and_counts_them(four):
    a, b = compare(four.table(), by="variant").to_dict("records")
    assert (a["variant"], a["n"], a["not_ok"], a["params"]) == ("a", 2, 0, 1000)
    assert a["test_accuracy"] == pytest.approx(0.85)
    assert a["test_accuracy_std"] == pytest.approx(0.0707106, abs=1e-6)
    assert (b["n"], b["not_ok"], b["test_accuracy"]) == (1, 1, 0.7)
    assert pd.isna(b["test_accuracy_std"])


def test_swept_values_are_never_pooled(folder):
    for lr, accuracy in ((0.1, 0.9), (0.01, 0.5)):
        for seed in (0, 1):
            folder.put("a", seed, test_accuracy=accuracy + seed / 100, **{LR: lr})
            folder.put("b", seed, test_accuracy=accuracy - 0.1, **{LR: lr})
    table = compare(folder.table(), by="variant")
    assert table[["variant", LR, "n"]].values.tolist() == [["a", 0.1, 2], ["b", 0.1, 2], ["a", 0.01, 2], ["b", 0.01, 2]]
    assert table["test_accuracy"].tolist() == pytest.approx([0.905, 0.8, 0.505, 0.4])
    assert list(compare(folder.table(), by=["variant", LR])["n"]) == [2, 2, 2, 2]


def test_trials_of_other_epochs_or_of_an_edited_network_are_held_apart(folder):
    folder.put("a", 0, epochs=(1.0,), **{"train.epochs": 1}, test_accuracy=0.5)
    folder.put("a", 0, **{"train.epochs": 2}, test_accuracy=0.6)
    folder.put("a", 0, params=9790, graph="wide", **{"train.epochs": 2}, test_accuracy=0.7)
    table = compare(folder.table(), by="variant")
    assert table["n"].tolist() == [1, 1, 1]
    assert table[["params", "train.epochs"]].values.tolist() == [[1000, 1], [1000, 2], [9790, 2]]
    again = compare(folder.table(), by="variant", columns=["variant", "test_accuracy"])
    assert {"params", "train.epochs"} <= set(again.columns)  # else equal rows could not be told apart


def test_networks_that_differ_in_nothing_shown_are_told_apart_by_their_digest(folder):
    folder.put("a", 0, graph="one", test_accuracy=0.5)
    folder.put("a", 0, graph="two", test_accuracy=0.6)
    assert compare(folder.table(), by="variant")["graph"].tolist() == ["one", "two"]
    assert "graph" not in compare(folder.table()[:1], by="variant")


def test_a_trial_in_two_folders_counts_once(folder):
    folder.put("a", 0, test_accuracy=0.9)
    table = folder.table()
    twice = pd.concat([table.assign(experiment="x"), table.assign(experiment="y")], ignore_index=True)
    assert compare(twice, by="variant")["n"].tolist() == [1]
    failed = table.assign(status="failed", test_accuracy=float("nan"))
    assert compare(pd.concat([failed, table], ignore_index=True), by="variant")["test_accuracy"].tolist() == [0.9]


def test_a_grouping_that_mixes_variants_is_split_too(four):
    table = compare(four.table(), by="engine")
    assert table[["engine", "variant", "n"]].values.tolist() == [["mxnet", "a", 2], ["mxnet", "b", 1]]


def test_a_table_without_the_setting_column_is_grouped_by_its_settings(folder):
    for lr in (0.1, 0.01):
        for seed in (0, 1):
            folder.put("a", seed, test_accuracy=0.5, **{LR: lr})
    table = folder.table().drop(columns=["setting", "trial", "stale"])
    assert compare(table, by="variant")["n"].tolist() == [2, 2]


def test_speeds_of_two_machines_have_no_mean(folder):
    folder.put("a", 0, test_accuracy=0.9, train_images_per_s=100.0)
    folder.put("a", 1, test_accuracy=0.8, train_images_per_s=900.0, device="gpu:0")
    row = compare(folder.table(), by="variant").iloc[0]
    assert row["test_accuracy"] == pytest.approx(0.85)
    assert pd.isna(row["train_images_per_s"])


def test_the_best_setting_by_validation(folder):
    for lr, validation, test in ((0.1, 0.9, 0.5), (0.01, 0.6, 0.99)):
        for variant in ("a", "b"):
            better = validation if variant == "a" else 1 - validation
            folder.put(variant, 0, val_accuracy=better, test_accuracy=test, **{LR: lr})
    table = compare(folder.table(), best="val_accuracy", against="a")
    assert table[["variant", LR, "test_accuracy"]].values.tolist() == [["a", 0.1, 0.5], ["b", 0.01, 0.99]]
    assert table["val_accuracy"].tolist() == [0.9, 0.4]
    assert table["test_accuracy_minus_a"].tolist() == pytest.approx([0, 0.49])


def test_the_best_setting_is_refused_without_validation_and_by_the_test_set(four):
    with pytest.raises(LabError, match="the trials of a that ended ok have no validation figures"):
        compare(four.table(), best="val_accuracy")
    with pytest.raises(LabError, match="--best takes val_accuracy or best_val_accuracy, not 'test_accuracy'; a choice"):
        compare(four.table(), best="test_accuracy")


def test_stale_trials_are_left_out_unless_asked(four):
    table = four.table(current=list(four.labels)[:2])
    shown = compare(table)
    assert shown["variant"].tolist() == ["a", "a"]
    assert shown.attrs["notes"] == [
        "2 stale trial(s) left out, which the experiment no longer asks for; --stale shows them"
    ]
    every = compare(table, stale=True)
    assert every["stale"].tolist() == [False, False, True, True]
    assert every.attrs["notes"] == []


def test_columns_that_differ_are_shown(four):
    table = compare(four.table())
    assert "seed" in table
    assert "data" not in table
    assert "reason" in table
    four.put("c", 0, **{LR: 0.5})
    four.put("c", 0, **{LR: 0.25})
    assert LR in compare(four.table())


def test_sorting_and_choosing(four):
    table = compare(four.table(), sort="-test_accuracy", columns=["variant", "test_accuracy"])
    assert table["test_accuracy"].tolist()[:3] == [0.9, 0.8, 0.7]
    assert list(table.columns) == ["variant", "test_accuracy"]
    four.put("c", 0, test_accuracy=0.99)
    four.put("c", 1, test_accuracy=0.5)
    assert compare(four.table(), by="variant", sort="-test_accuracy")["variant"].tolist() == ["a", "c", "b"]


def test_an_average_by_a_swept_number_keeps_it_as_it_is(four):
    four.put("c", 0, test_accuracy=0.9, **{LR: 0.5})
    four.put("c", 0, status="diverged", **{LR: 0.25})
    table = compare(four.table(), by=LR)
    assert table[LR].tolist()[2:] == [0.5, 0.25]
    assert not [column for column in table if column.startswith(f"{LR}_")]


def test_against_a_variant(four):
    table = compare(four.table(), against="a")
    assert table["test_accuracy_minus_a"].tolist()[:3] == pytest.approx([0.05, -0.05, -0.15])
    assert table["train_images_per_s_over_a"].tolist()[:3] == pytest.approx([100 / 105, 110 / 105, 50 / 105])


def test_against_a_variant_compares_equal_recipes(folder):
    for lr, base, idea in ((0.1, 0.9, 0.8), (0.01, 0.3, 0.4)):
        folder.put("a", 0, test_accuracy=base, **{LR: lr})
        folder.put("b", 0, test_accuracy=idea, **{LR: lr})
    folder.put("b", 0, test_accuracy=0.5, **{LR: 7.0})
    table = compare(folder.table(), against="a")
    assert table["test_accuracy_minus_a"].tolist()[:4] == pytest.approx([0, -0.1, 0, 0.1])
    assert pd.isna(table["test_accuracy_minus_a"].tolist()[4])
    assert table.attrs["notes"] == ["1 trial(s) are compared with nothing: a has no trial of the same settings"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"by": "varient"}, "unknown column 'varient'; did you mean 'variant'?"),
        ({"by": ["variant", "sede"]}, "unknown column 'sede'; did you mean 'seed'?"),
        ({"sort": "-test_acuracy"}, "unknown column 'test_acuracy'; did you mean 'test_accuracy'?"),
        ({"columns": ["x"]}, "unknown column 'x'"),
        ({"against": "resnet"}, "unknown variant or reference 'resnet'"),
        ({"against": "nowhere.csv"}, "there is no table of published figures nowhere.csv"),
    ],
)
def test_a_name_that_is_not_there_is_refused(four, asked, message):
    with pytest.raises(LabError, match=message.replace("?", r"\?")):
        compare(four.table(), **asked)
