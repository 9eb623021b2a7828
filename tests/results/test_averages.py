"""What is averaged, what is held apart, and which setting is the best."""

import pandas as pd
import pytest

from resnet_lab import LabError
from resnet_lab.results.compare import compare

LR = "train.optimizer.lr"


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


def test_an_average_by_a_swept_number_keeps_it_as_it_is(four):
    four.put("c", 0, test_accuracy=0.9, **{LR: 0.5})
    four.put("c", 0, status="diverged", **{LR: 0.25})
    table = compare(four.table(), by=LR)
    assert table[LR].tolist()[2:] == [0.5, 0.25]
    assert not [column for column in table if column.startswith(f"{LR}_")]
