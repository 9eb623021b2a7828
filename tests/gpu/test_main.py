"""`python -m tests.gpu` on the CPU: all of it with --tiny, and one stage in every run of the tests."""

import json
import subprocess

import pandas as pd
import pytest

from tests.conftest import engine_or_skip

from . import __main__ as command_line
from .__main__ import _differs, main
from .device import look
from .journal import Journal
from .stages import STAGES, command


def rehearse(folder, *words):
    """Run the command as a person does; returns what it printed and the lines of the journal."""
    engine_or_skip("torch")
    call = command("tests.gpu", "--out", str(folder), "--tiny", "--device", "cpu", *words)
    done = subprocess.run(**call, capture_output=True, text=True)
    logs = "".join(path.read_text() for path in folder.glob("*.log"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    lines = [json.loads(line) for line in (folder / "rehearsal.jsonl").read_text().splitlines()]
    return done.stdout, lines


@pytest.fixture
def call(monkeypatch, capsys):
    """The command in this process, where PyTorch is imported already: its exit status and what it printed."""
    engine_or_skip("torch")
    monkeypatch.setattr(command_line, "_device", look)
    monkeypatch.setattr(command_line.signal, "signal", lambda number, handler: None)
    return lambda folder, *words: (main(["--out", str(folder), *words]), capsys.readouterr().out)


def problems(lines):
    """The problems of rows that are not those of a missing package or of a missing GPU."""
    found = [line["problem"] for line in lines if line.get("problem")]
    return [text for text in found if "is not installed" not in text and text != "the device is the CPU"]


def test_one_stage_from_the_command_to_the_table(tmp_path, call):
    printed, lines = rehearse(tmp_path, "--stages", "cifar")
    [machine] = [line for line in lines if line["kind"] == "machine"]
    assert (machine["device"], machine["tiny"]) == ("cpu", True)
    assert machine["versions"]["torch"]
    assert machine["processor"]
    table = pd.read_csv(tmp_path / "cifar.csv").set_index("program")
    assert {"ours off", "compute off", "plain loop, NumPy"} <= set(table.index[table["images_per_s"] > 0])
    assert table.loc["ours off", "of_plain_loop_numpy"] > 0
    assert table.loc["recipe, made on the device", "of_host"] > 0
    assert not problems(lines)
    assert "cifar        done" in printed
    assert "cifar: done earlier" in call(tmp_path, "--tiny", "--device", "cpu", "--stages", "cifar")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stages", "cifra"], "unknown stage 'cifra'"),
        (["--device", "gpu:99"], "the device 'gpu:99' cannot be used"),
        (["--device", "tpu"], "unknown device 'tpu'"),
    ],
)
def test_a_wrong_word_is_refused(tmp_path, call, words, message):
    status, printed = call(tmp_path / "out", *words)
    assert status == 2
    assert message in printed


def test_a_folder_holds_the_results_of_one_size_device_and_gpu(tmp_path):
    facts = {"tiny": True, "device": "gpu:0", "gpus": [{"name": "NVIDIA H100"}]}
    journal = Journal(tmp_path)
    assert _differs(journal, facts) == ""
    journal.add("machine", **facts)
    assert _differs(journal, facts) == ""
    other = {"tiny": False, "device": "gpu:1", "gpus": [{"name": "NVIDIA H200"}]}
    assert _differs(journal, other) == "size (--tiny), device (--device), GPU"


def test_a_folder_of_tiny_results_is_refused_for_real_ones(tmp_path, call):
    Journal(tmp_path).add("machine", tiny=True, device="cpu", gpus=[])
    status, printed = call(tmp_path, "--device", "cpu")
    assert status == 2
    assert "name another folder with --out" in printed


@pytest.mark.slow
def test_the_whole_rehearsal(tmp_path):
    _, lines = rehearse(tmp_path, "--minutes", "20")
    endings = {line["stage"]: line["status"] for line in lines if line["kind"] == "stage"}
    assert endings == {stage.name: "done" for stage in STAGES}
    assert not problems(lines)
    assert all(line["agrees"] for line in lines if "agrees" in line)
    for stage in STAGES:
        assert len(pd.read_csv(tmp_path / f"{stage.name}.csv"))
