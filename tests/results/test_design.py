"""What an experiment said about its comparison is kept with its results, and decides which verdict they get."""

import math

import numpy as np
import pandas as pd
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.results import design, store
from resnet_lab.results.design import Design, judge
from resnet_lab.specs.experiment import DecideSpec
from resnet_lab.training.evaluate import Outcome, save_images


def put_pairs(folder, seeds=8, shift=0.05):
    noise = np.random.default_rng(1).normal(0, 0.001, (2, seeds))
    for seed in range(seeds):
        for side, variant in enumerate(("base", "v")):
            folder.put(variant, seed, test_accuracy=0.9 + noise[side, seed] + side * shift)
    folder.store().write()
    return store.read(folder.path)


AUTO = Design("base", DecideSpec(smallest=0.01, at_most=12), auto=True, variants=1)


@pytest.mark.parametrize("kept", [AUTO, Design("a", DecideSpec(), auto=False, variants=3)])
def test_what_is_kept_is_read(tmp_path, kept):
    design.keep(tmp_path, kept)
    assert design.read(tmp_path) == kept
    design.keep(tmp_path, None)
    assert design.read(tmp_path) is None
    design.keep(tmp_path, None)


@pytest.mark.parametrize("text", ["", "{}", '{"baseline": "a", "decide": {"smalest": 1}, "auto": true, "variants": 1}'])
def test_a_damaged_file_is_none(tmp_path, text):
    (tmp_path / design.DESIGN).write_text(text)
    assert design.read(tmp_path) is None


def test_without_a_design_the_baseline_must_be_named(folder):
    table = put_pairs(folder)
    with pytest.raises(LabError, match="the results name no baseline"):
        judge(table, [folder.path])
    assert judge(table, [folder.path], "base", ["test_accuracy"])[0].word == "better"


def test_the_metric_of_the_experiment_is_judged_first(folder):
    """Not only the test accuracy, which the experiment did not ask for."""
    noise = np.random.default_rng(1).normal(0, 0.001, (2, 8))
    for seed in range(8):
        for side, variant in enumerate(("base", "v")):
            measured = 0.9 + noise[side, seed] + side * 0.05
            folder.put(variant, seed, val_accuracy=measured, test_accuracy=0.9)
    folder.store().write()
    table = store.read(folder.path)
    design.keep(folder.path, Design("base", DecideSpec(metric="val_accuracy"), auto=False, variants=1))
    first, second, *_ = judge(table, [folder.path])
    assert (first.metric, first.word) == ("val_accuracy", "better")
    assert second.metric == "test_accuracy"
    assert [found.metric for found in judge(table, [folder.path], metrics=["test_accuracy"])] == ["test_accuracy"]


def test_the_design_gives_baseline_and_smallest_difference(folder):
    table = put_pairs(folder, shift=0.0)
    design.keep(folder.path, Design("base", DecideSpec(smallest=0.01), auto=False, variants=1))
    (found,) = judge(table, [folder.path], metrics=["test_accuracy"])
    assert (found.baseline, found.word) == ("base", "same")
    (other,) = judge(table, [folder.path], metrics=["test_accuracy"], smallest={"test_accuracy": 1e-6})
    assert other.word == "undecided"
    (turned,) = judge(table, [folder.path], "v", ["test_accuracy"])
    assert (turned.variant, turned.word) == ("base", "undecided")


def test_a_sweep_with_auto_is_judged_by_its_looks(folder):
    table = put_pairs(folder)
    design.keep(folder.path, AUTO)
    accuracy, params = judge(table, [folder.path], metrics=["test_accuracy", "params"])
    assert (accuracy.word, accuracy.n, params.word) == ("better", 6, "same")
    assert accuracy.reason == "clear at look 1 of 7, after 6 pairs"
    assert math.isnan(accuracy.p)
    for changed in ({"smallest": {"test_accuracy": 0.02}}, {"confidence": 0.9}):
        with pytest.raises(LabError, match="the sweep was stopped by 'decide' in its experiment"):
            judge(table, [folder.path], **changed)
    assert judge(table, [folder.path], smallest={"test_accuracy": 0.01}, confidence=0.95)


def test_the_python_face_gives_a_table(folder):
    table = put_pairs(folder)
    for trial in table["trial"]:
        answers = [Outcome(np.zeros(4, int), np.ones(4), np.arange(4))]
        save_images(folder.path / "trials" / trial / "test.npz", answers)
    found = rl.verdicts(folder.path, "base", metrics=["test_accuracy", "macs"])
    assert isinstance(found, pd.DataFrame)
    assert found["metric"].tolist() == ["test_accuracy", "macs"]
    assert found["word"].tolist() == ["better", "same"]
    assert found["image_noise"][0] == 0
