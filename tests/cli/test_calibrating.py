"""`bench --calibrate`: what it measures, keeps and prints."""

import pytest

from resnet_lab import LabError
from resnet_lab.cli import bench
from resnet_lab.cli.calibrating import only
from resnet_lab.training.cost_prediction import load, this_machine
from tests.conftest import any_engine
from tests.training.test_cost_prediction import invented


def test_a_calibration_is_kept_and_its_error_is_printed(call, tmp_path, monkeypatch):
    def pretended(here, on_sample):
        for number in range(1, 43):
            on_sample(number, 42, f"network {number}")
        return invented(here)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("resnet_lab.training.calibration.calibrate", pretended)
    engine = any_engine()
    printed = call("bench", "--calibrate", "--engine", engine, "--device", "cpu")
    here = this_machine(engine, "cpu")
    found = load(here)
    assert f"calibrated {here.text} in 90 s\n" in printed
    assert f"{found.train.held_out_error:.1%} in training, {found.infer.held_out_error:.1%} in inference" in printed
    assert str(here.file) in printed.replace("\n", "")


@pytest.mark.parametrize("words", [(), ("resnet18", "--calibrate")])
def test_a_calibration_takes_no_variant(refused_by_bench, words):
    assert "bench takes either names of variants or --calibrate" in refused_by_bench(*words)


@pytest.fixture
def refused_by_bench():
    def call(*words):
        with pytest.raises(LabError) as error:
            bench.command(variants=[word for word in words if word[0] != "-"], calibrate="--calibrate" in words)
        return error.value.message

    return call


@pytest.mark.parametrize(("option", "value"), [("mode", ["infer"]), ("threads", 1), ("input", "3x8x8")])
def test_an_option_that_a_calibration_does_not_take(option, value):
    with pytest.raises(LabError, match=f"--{option} does not work together with --calibrate"):
        bench.command(calibrate=True, **{option: value})


def test_one_value_of_each_option():
    assert only("engine", None, "auto") == "auto"
    assert only("engine", ["torch"], "auto") == "torch"
    with pytest.raises(LabError, match="--calibrate measures one engine at a time, not torch, mxnet"):
        only("engine", ["torch", "mxnet"], "auto")
