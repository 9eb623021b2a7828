"""Tables: written from trials' own files, read back, compared."""

import json

import pandas as pd
import pytest

from resnet_lab import LabError
from resnet_lab import results as results_function
from resnet_lab.base.files import write_json
from resnet_lab.results.compare import compare
from resnet_lab.results.published import published, references
from resnet_lab.results.store import is_done, read, refresh


def put(folder, trial, variant, seed=0, status="ok", lr=None, **figures):
    place = folder / "trials" / trial
    place.mkdir(parents=True)
    labels = {
        "trial": trial,
        "variant": variant,
        "blocks": "basic",
        "depth": 18,
        "params": 1000,
        "macs": 2000,
        "data": "digits",
        "input": "3x32x32",
        "epochs": 1,
        "batch_size": 32,
        "engine": "mxnet",
        "dtype": "float32",
        "seed": seed,
    } | ({} if lr is None else {"train.optimizer.lr": lr})
    write_json(place / "trial.json", {"labels": labels})
    result = {"status": status, "reason": "" if status == "ok" else "why", "started": f"2026-01-01T00:00:{seed:02}Z"}
    write_json(place / "result.json", result | figures)
    write_json(place / "epochs.json", [{"epoch": 1, "train_loss": 2.0}, {"epoch": 2, "train_loss": 1.0}])


@pytest.fixture
def folder(tmp_path):
    put(tmp_path, "0" * 11 + "1", "a", 0, test_accuracy=0.9, train_images_per_s=100.0)
    put(tmp_path, "0" * 11 + "2", "a", 1, test_accuracy=0.8, train_images_per_s=110.0)
    put(tmp_path, "0" * 11 + "3", "b", 2, test_accuracy=0.7, train_images_per_s=50.0)
    put(tmp_path, "0" * 11 + "4", "b", 3, status="diverged")
    refresh(tmp_path)
    return tmp_path


def test_one_row_a_trial_and_one_an_epoch(folder):
    table = read(folder)
    assert table["trial"].tolist() == ["000000000001", "000000000002", "000000000003", "000000000004"]
    assert table["status"].tolist() == ["ok", "ok", "ok", "diverged"]
    assert table["reason"].tolist()[3] == "why"
    epochs = pd.read_csv(folder / "epochs.csv")
    assert len(epochs) == 8
    assert epochs["train_loss"].tolist() == [2.0, 1.0] * 4
    assert results_function(folder).equals(table)


def test_a_trial_without_a_result_is_no_row_and_half_a_file_is_none(folder):
    place = folder / "trials" / "000000000005"
    place.mkdir()
    write_json(place / "trial.json", {"labels": {"trial": "000000000005", "variant": "c", "seed": 0}})
    (place / ".result.json.1.partial").write_text('{"status": ')
    assert len(refresh(folder)) == 4
    assert not is_done(folder, "000000000005")


@pytest.mark.parametrize(
    ("status", "done"), [("ok", True), ("diverged", True), ("failed", False), ("out_of_memory", False)]
)
def test_what_a_new_run_would_only_repeat_is_done(tmp_path, status, done):
    put(tmp_path, "1", "a", status=status)
    assert is_done(tmp_path, "1") is done


def test_an_average_takes_ok_trials_only_and_counts_them(folder):
    table = compare(read(folder), by="variant")
    a, b = table.to_dict("records")
    assert (a["variant"], a["n"], a["not_ok"], a["params"]) == ("a", 2, 0, 1000)
    assert a["test_accuracy"] == pytest.approx(0.85)
    assert a["test_accuracy_std"] == pytest.approx(0.0707106, abs=1e-6)
    assert (b["n"], b["not_ok"], b["test_accuracy"]) == (1, 1, 0.7)
    assert pd.isna(b["test_accuracy_std"])


def test_columns_that_differ_are_shown(folder):
    assert "seed" in compare(read(folder))
    assert "data" not in compare(read(folder))
    assert "reason" in compare(read(folder))
    put(folder, "5", "c", 4, lr=0.5)
    put(folder, "6", "c", 5, lr=0.25)
    assert "train.optimizer.lr" in compare(refresh(folder))


def test_sorting_and_choosing(folder):
    table = compare(read(folder), sort="-test_accuracy", columns=["variant", "test_accuracy"])
    assert table["test_accuracy"].tolist()[:3] == [0.9, 0.8, 0.7]
    assert list(table.columns) == ["variant", "test_accuracy"]


def test_against_a_variant(folder):
    table = compare(read(folder), against="a")
    assert table["test_accuracy_minus_a"].tolist()[:3] == pytest.approx([0.05, -0.05, -0.15])
    assert table["train_images_per_s_over_a"].tolist()[:3] == pytest.approx([100 / 105, 110 / 105, 50 / 105])


def test_against_published_figures(folder, tmp_path):
    file = tmp_path / "published.csv"
    file.write_text("variant,metric,value,source\na,test_accuracy,0.95,someone 2015\n")
    table = compare(read(folder), against=str(file))
    assert table["published_test_accuracy"].tolist()[:2] == [0.95, 0.95]
    assert table["published_by"].tolist()[0] == "someone 2015"
    assert pd.isna(table["published_by"].tolist()[2])


def test_shipped_references_have_sources_and_known_variants():
    from resnet_lab.specs.workspace import names

    assert references()
    for name, path in references().items():
        table = published(path)
        assert {"variant", "metric", "value", "source"} <= set(table.columns), name
        assert table["source"].str.len().min() > 5
        assert not table.duplicated(["variant", "metric"]).any(), name
        assert set(table["variant"]) <= set(names("variants")), name


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"by": "varient"}, "unknown column 'varient'; did you mean 'variant'?"),
        ({"sort": "-test_acuracy"}, "unknown column 'test_acuracy'; did you mean 'test_accuracy'?"),
        ({"columns": ["x"]}, "unknown column 'x'"),
        ({"against": "resnet"}, "unknown variant or reference 'resnet'"),
        ({"against": "nowhere.csv"}, "there is no table of published figures nowhere.csv"),
    ],
)
def test_what_is_not_there_is_told(folder, asked, told):
    with pytest.raises(LabError, match=told.replace("?", r"\?")):
        compare(read(folder), **asked)


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "", "\x00\x01"])
def test_a_file_that_is_no_table_is_told(tmp_path, content):
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(LabError, match=r"x\.csv: is no results table"):
        read(tmp_path / "x.csv")


@pytest.mark.parametrize("form", ["csv", "json", "markdown", "latex", "table"])
def test_formats(folder, lab, form):
    done = lab("compare", str(folder), "--format", form, "--columns", "variant,test_accuracy,train_images_per_s")
    assert done.returncode == 0, done.stderr
    if form == "json":
        assert json.loads(done.stdout)[0] == {"variant": "a", "test_accuracy": 0.9, "train_images_per_s": 100.0}
    elif form == "csv":
        assert done.stdout.splitlines()[1] == "a,0.9,100.0"
    elif form == "markdown":
        assert "".join(done.stdout.splitlines()[2].split()) == "|a|0.9000|100.0|"
    elif form == "latex":
        assert r"variant & test\_accuracy & train\_images\_per\_s \\" in done.stdout
    else:
        assert "0.9000" in done.stdout


def test_averages_are_sorted_as_averages(folder):
    put(folder, "5", "c", 4, test_accuracy=0.99)
    put(folder, "6", "c", 5, test_accuracy=0.5)
    table = compare(refresh(folder), by="variant", sort="-test_accuracy")
    assert table["variant"].tolist() == ["a", "c", "b"]


def test_an_average_by_a_swept_number_keeps_it_as_it_is(folder):
    put(folder, "5", "c", 4, lr=0.5, test_accuracy=0.9)
    put(folder, "6", "c", 5, lr=0.25, status="diverged")
    table = compare(refresh(folder), by="train.optimizer.lr")
    assert table["train.optimizer.lr"].tolist()[1:] == [0.5, 0.25]
    assert not [column for column in table if column.startswith("train.optimizer.lr_")]
