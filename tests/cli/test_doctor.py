"""`resnet-lab doctor`: its facts as JSON and as text."""

import json

from resnet_lab import engines
from resnet_lab.cli import doctor
from tests.conftest import engine_or_skip


def test_doctor_in_both_forms(call):
    found = json.loads(call("doctor", "--json"))
    assert found["machine"]["cores"] >= 1
    assert {engine["name"] for engine in found["engines"]} == {"mxnet", "torch"}
    for engine in found["engines"]:
        assert engine["problem"] or (engine["version"] and "cpu" in engine["devices"] and engine["threads"] >= 1)
        assert engine["problem"] or engine["compile"] in engines.get(engine["name"]).compile_modes
    assert found["machine"]["processor"] in call("doctor")


def test_the_report_says_what_is_missing():
    facts = doctor.examine() | {"gpus": [], "engines": [{"name": "torch", "problem": "PyTorch is not installed"}]}
    report = doctor.report(facts)
    assert "no NVIDIA GPU is visible" in report
    assert "engine torch cannot run here: PyTorch is not installed" in report
    gpu = {"name": "H100", "capability": "9.0", "memory": "80 GiB", "driver": "1"}
    assert "GPU H100, compute capability 9.0" in doctor.report(facts | {"gpus": [gpu]})


def test_each_engine_says_its_precisions_on_each_device(monkeypatch):
    precisions = {engine["name"]: engine.get("precisions") for engine in doctor.examine()["engines"]}
    engine_or_skip("torch")
    assert precisions["torch"]["cpu"] == ["float32", "bfloat16", "float16"]
    assert "engine torch on cpu: precision float32, bfloat16, float16" in doctor.report(doctor.examine()).splitlines()
    torch = engines.get("torch")
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    for major, expected in ((7, ["float32", "bfloat16", "float16"]), (9, list(torch.precisions))):
        monkeypatch.setattr("torch.cuda.get_device_capability", lambda number, major=major: (major, 0))
        assert doctor._precisions(torch, "gpu:0") == expected


def test_each_dataset_says_where_its_files_are_or_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_LAB_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    places = doctor.examine()["data"]
    assert places["fashion_mnist"] == "not on this machine; downloaded when it is first used"
    assert "'resnet-lab data fetch cifar10-jpeg' says where to put its files" in places["cifar10-jpeg"]
