"""The comparison of predicted and measured costs: its variants, its rows and its summary; it is run by hand."""

import csv

import pytest

from resnet_lab.training.calibration_networks import samples
from tests.training import prediction_trials
from tests.training.prediction_trials import main, rank_correlation, summary, variants
from tests.training.test_cost_model import layer_times
from tests.training.test_cost_prediction import HERE, invented


def test_at_least_twenty_variants_that_no_calibration_measures():
    found = list(variants())
    assert len({sample.name for sample in found}) == len(found) >= 20
    assert not {sample.graph.digest for sample in found} & {sample.graph.digest for sample in samples()}


def test_the_summary():
    rows = [{"measured": 100.0, "predicted": value} for value in (90.0, 130.0, 95.0)]
    rows = [{**row, "measured": row["measured"] + index} for index, row in enumerate(rows)]
    assert summary(rows).startswith(
        "3 variants: median error 10.0%, largest 28.7%, 2 within 20 %, rank correlation 0.5"
    )
    assert rank_correlation([1, 2, 3], [10, 20, 15]) == pytest.approx(0.5)


def test_the_machine_of_a_known_law(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    few = [sample for sample in variants() if len(sample.graph.nodes) < 120]
    monkeypatch.setattr(prediction_trials, "variants", lambda: few)
    monkeypatch.setattr(prediction_trials, "this_machine", lambda engine: HERE)
    monkeypatch.setattr(prediction_trials, "calibrate", invented)

    def times(here, sample):
        seconds = sum(layer_times(sample.graph, sample.batch).values())
        return seconds, seconds / 3

    monkeypatch.setattr(prediction_trials, "measured_times", times)
    monkeypatch.setattr(prediction_trials, "measured_memory", lambda here, sample: 2**30)
    main("times", "torch", str(tmp_path / "times.csv"))
    main("memory", "torch", str(tmp_path / "memory.csv"))
    rows = list(csv.DictReader((tmp_path / "times.csv").open()))
    assert len(rows) == 2 * len(few)
    assert {row["quantity"] for row in rows} == {"train_images_per_s", "infer_images_per_s"}
    assert max(abs(float(row["error"])) for row in rows) < 0.2
    memory = list(csv.DictReader((tmp_path / "memory.csv").open()))
    assert {row["measured"] for row in memory} == {"1024.0"}
    assert "within 20 %" in capsys.readouterr().out
