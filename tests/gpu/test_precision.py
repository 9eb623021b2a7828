"""The stage `precision`: a row for each precision, with the reason where there is none, and one for determinism."""

import itertools

import numpy as np
import pytest

from tests.conftest import engine_or_skip

from . import precision
from .job import Job


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A tiny job on the CPU, and its rows."""
    engine_or_skip("torch")
    rows = []
    monkeypatch.setattr(Job, "row", lambda self, **values: rows.append(values))
    return Job("precision", 1, tmp_path, "cpu", True), rows


def test_every_precision_has_a_row(job):
    own, rows = job
    precision._precisions(own)
    found = {row["name"]: row for row in rows}
    assert "the CPU has no TF32" in found["tf32"]["problem"]
    assert found["float32"]["output"] == 0
    assert 1e-5 < found["float16"]["output"] < found["bfloat16"]["output"] < 0.1
    assert all(found[name]["images_per_s"] > 0 for name in ("float32", "bfloat16", "float16"))


def test_a_training_that_does_not_repeat_is_seen(job, monkeypatch):
    own, rows = job
    model_of, numbers = precision.our_model, itertools.count()

    def other_each_time(*words):
        model = model_of(*words)
        weights = model.weights()
        model.load({name: array + np.float32(1e-3) * next(numbers) for name, array in weights.items()})
        return model

    precision._deterministic(own, "off")
    monkeypatch.setattr(precision, "our_model", other_each_time)
    precision._deterministic(own, "off")
    assert [(row["same_bits"], row["same_bits_without"]) for row in rows] == [(True, True), (False, False)]
    assert rows[0]["of_plain"] > 0
