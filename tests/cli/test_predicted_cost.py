"""`describe --on here`: what it adds, and what it refuses."""

import json
from dataclasses import replace

import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.cli.predicted_cost import costs_on
from resnet_lab.training.cost_prediction import this_machine
from tests.conftest import any_engine
from tests.training.test_cost_prediction import invented

TANH = """
from resnet_lab import block
from resnet_lab.ops import tanh

@block("tanh_alone")
def tanh_alone(x, channels, stride, shortcut):
    return tanh(x)
"""


@pytest.fixture
def calibrated(tmp_path, monkeypatch):
    """The name of an engine for which this machine seems to be calibrated."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    engine = any_engine()
    invented(this_machine(engine)).save()
    return engine


def test_a_summary_of_times_and_memory_and_the_slowest_layers(call, calibrated):
    found = rl.predict_cost("resnet18", calibrated, 16, (3, 64, 64))
    printed = call("describe", "resnet18", "--input", "3x64x64", "--on", "here", "--engine", calibrated,
                   "--batch-size", "16")  # fmt: skip
    assert f"{found.train_images_per_s:,.1f} images/s" in printed
    assert f"{found.infer_images_per_s:,.1f} images/s" in printed
    assert "for a batch of 16:" in printed
    assert "calibrated  2026-11-21T20:00:00Z by" in printed
    slowest = max(found.train_layers, key=found.train_layers.__getitem__)
    assert f"slowest     {slowest} {found.train_layers[slowest] / found.train_s:.1%}" in printed
    assert "MiB of activations" in printed


def test_layers_have_their_times_and_what_they_keep(call, calibrated):
    options = ("--on", "here", "--engine", calibrated)
    (line,) = [line for line in call("describe", "cifar_resnet20", "--layers", *options).splitlines()
               if line.strip().startswith("stage1.block1.conv1 ")]  # fmt: skip
    found = rl.predict_cost("cifar_resnet20", calibrated)
    seconds = found.train_layers["stage1.block1.conv1"]
    assert line.split()[-3:] == [
        f"{seconds * 1e3:.3f}",
        f"{seconds / found.train_s:.1%}",
        f"{found.kept['stage1.block1.conv1'] / 2**20:.2f}",
    ]


def test_json_has_the_prediction(call, calibrated):
    plain = json.loads(call("describe", "resnet18", "--json"))
    described = json.loads(call("describe", "resnet18", "--json", "--on", "here", "--engine", calibrated))
    on = described.pop("on")
    assert described == plain
    assert (on["engine"], on["batch_size"], on["counted_like_relu"]) == (calibrated, 32, [])
    assert [layer["name"] for layer in on["layers"][1:]] == [layer["name"] for layer in plain["layers"]]
    assert on["train_step_s"] == pytest.approx(sum(layer["train_s"] for layer in on["layers"]))
    assert on["peak_memory_bytes"] > on["weights_bytes"] + on["optimizer_bytes"] + on["activation_bytes"]


def test_ops_that_were_not_measured_and_a_busy_machine_are_named(call, calibrated, workspace):
    (workspace / "b.py").write_text(
        "from resnet_lab import block\nfrom resnet_lab.ops import tanh\n"
        '@block(\'tanh_alone\')\ndef tanh_alone(x, channels, stride, shortcut):\n    """Tanh."""\n    return tanh(x)\n'
    )
    replace(invented(this_machine(calibrated)), other_load=1.5).save()
    words = ("--block", "tanh_alone", "--from", "b.py", "--input", "16x8x8", "--channels", "16")
    printed = call("describe", *words, "--on", "here", "--engine", calibrated)
    assert "not known   counted as ReLUs of the same size: tanh" in printed
    assert "warning     other programs used 1.5 cores during the calibration" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((None, "torch", None, None), "--engine works only together with --on here"),
        ((None, None, 8, None), "--batch-size works only together with --on here"),
        ((None, None, None, "float16"), "--dtype works only together with --on here"),
        (("there", None, None, None), "--on predicts for this machine alone: write --on here, not --on there"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(LabError, match=message):
        costs_on(*options)


def test_a_machine_that_is_not_calibrated(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    engine = any_engine()
    with pytest.raises(
        LabError, match=f"is not calibrated for {engine} .*; run: .* bench --calibrate --engine {engine}"
    ):
        costs_on("here", engine, None, None)


def test_without_on_there_are_no_costs():
    assert costs_on(None, None, None, None) is None
