"""Comparison: which rows and columns are shown, and what trials are compared with."""

import pandas as pd
import pytest

from resnet_lab import LabError
from resnet_lab.results.compare import compare

LR = "train.optimizer.lr"


def test_a_trial_in_two_folders_counts_once(folder):
    folder.put("a", 0, test_accuracy=0.9)
    table = folder.table()
    twice = pd.concat([table.assign(experiment="x"), table.assign(experiment="y")], ignore_index=True)
    assert compare(twice, by="variant")["n"].tolist() == [1]
    failed = table.assign(status="failed", test_accuracy=float("nan"))
    assert compare(pd.concat([failed, table], ignore_index=True), by="variant")["test_accuracy"].tolist() == [0.9]


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
