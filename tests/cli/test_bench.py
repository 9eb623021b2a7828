"""`resnet-lab bench`: options with several values, the table, its notes, and its files."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from resnet_lab import LabError
from resnet_lab.cli.app import build
from resnet_lab.cli.bench import notes, repeated
from resnet_lab.sweeps.bench import functions

ROW = {
    "variant": "resnet18",
    "engine": "torch",
    "device": "cpu",
    "precision": "float32",
    "compile": "off",
    "threads": 2,
    "input": "3x64x64",
    "mode": "train",
    "batch": 16,
    "status": "ok",
    "reason": "",
    "notes": "",
    "processor": "a processor",
    "images_per_s": 61.2,
    "ms": 261.4,
    "utilisation": 0.51,
}
VERDICT = {
    "variant": "resnet34",
    "baseline": "resnet18",
    "ratio": 1.89,
    "ratio_low": 1.87,
    "ratio_high": 1.92,
    "turns": 40,
    "verdict": "slower",
    "why": "the whole interval lies above 1",
}


@pytest.fixture
def benched(monkeypatch):
    """What the function behind the command is called with; it gives two rows."""
    calls = []

    def bench(*variants, **choices):
        calls.append((variants, choices))
        return pd.DataFrame([ROW, ROW | VERDICT])

    monkeypatch.setattr(functions, "bench", bench)
    return calls


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a b --batch-size 16 32", "a b --batch-size 16 --batch-size 32"),
        ("--mode infer train a --batch-size 8 max b", "--mode infer --mode train a --batch-size 8 --batch-size max b"),
        ("a --engine torch mxnet b --input 3x8x8 c", "a --engine torch --engine mxnet b --input 3x8x8 c"),
        ("a --mode train b infer", "a --mode train b infer"),
    ],
)
def test_an_option_may_have_several_values(typed, meant):
    assert list(repeated(typed.split())) == meant.split()


def test_the_table_its_verdicts_and_what_all_rows_share(call, benched):
    words = "resnet18 resnet34 --engine torch --mode train --batch-size 16 --input 3x64x64"
    text = " ".join(call("bench", *words.split()).split())
    assert text.startswith("engine torch, device cpu, precision float32, compile off, threads 2, input 3x64x64, mode")
    assert "resnet18 61.2 261.4 51%" in text
    assert "resnet34 (torch, train, batch 16): slower; it takes 1.890 times as long as resnet18" in text
    ((variants, choices),) = benched
    assert variants == ("resnet18", "resnet34")
    assert {key: choices[key] for key in ("engine", "mode", "batch_size", "input")} == {
        "engine": ["torch"],
        "mode": ["train"],
        "batch_size": [16],
        "input": (3, 64, 64),
    }
    assert "precision" not in choices


def test_the_table_can_be_written(call, benched, tmp_path):
    call("bench", "resnet18", "-o", str(tmp_path / "a.csv"))
    assert list(pd.read_csv(tmp_path / "a.csv")["variant"]) == ["resnet18", "resnet34"]
    call("bench", "resnet18", "--format", "json", "-o", str(tmp_path / "a.json"))
    assert json.loads((tmp_path / "a.json").read_text())[1]["verdict"] == "slower"
    assert call("bench", "resnet18", "--format", "markdown").startswith("| variant")


def test_notes_of_one_kind_are_one_line():
    rows = [ROW | {"notes": "it is hot: 90; b"}, ROW | {"notes": "it is hot: 80", "status": "failed", "reason": "full"}]
    assert notes(pd.DataFrame(rows)) == [
        "resnet18 (torch, train, batch 16): failed: full",
        "note: resnet18 (torch, train, batch 16): it is hot: 90 (and in 1 more)",
        "note: resnet18 (torch, train, batch 16): b",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch-size", "many"], "--batch-size is a whole number from 1, or max, not 'many'"),
        (["--mode", "trian"], "unknown mode 'trian'; did you mean 'train'"),
        (["-o", "no/such/file.csv"], "--output: there is no folder 'no/such'"),
    ],
)
def test_mistakes_are_refused(words, message):
    error = CliRunner().invoke(build(), ["bench", "cifar_resnet20", *words]).exception
    assert isinstance(error, LabError)
    assert message in str(error)


def test_a_mistake_is_one_message(lab):
    done = lab("bench", "cifar_resnet20", "--peer", "torchvision")
    assert done.returncode == 2
    assert done.stderr.startswith("resnet-lab: unknown network of torchvision, by our names, 'cifar_resnet20'")
    assert len(done.stderr.strip().splitlines()) == 1


def test_ctrl_c_says_what_becomes_of_the_measurements(monkeypatch, lab):
    def stopped(*variants, tell, **choices):
        tell("resnet18, torch, train, batch 32: 61.2 images/s")
        raise KeyboardInterrupt

    monkeypatch.setattr(functions, "bench", stopped)
    done = lab("bench", "resnet18")
    assert (done.returncode, done.stdout) == (130, "")
    first, last = done.stderr.splitlines()
    assert first.endswith("61.2 images/s")
    assert last.endswith("the lines above say what was measured, and the same command begins from the start")
