"""A results table for a reader: it fits the terminal, breaks no number and says what it leaves out."""

import re

import pandas as pd
import pytest

from resnet_lab.cli import compare_table
from resnet_lab.results.compare import compare as compared


def trials():
    """A table of sixteen trials with every figure that `run` measures."""
    rows = []
    for variant, params, macs in (
        ("resnet18", 11_689_512, 1_814_073_344),
        ("resnet34", 21_797_672, 3_663_761_408),
        ("my_se_resnet18", 11_777_832, 1_814_591_488),
        ("cifar_resnext29_32x4d", 4_868_426, 779_878_400),
    ):
        for rate in (0.1, 0.05):
            for seed in (0, 1):
                rows.append(
                    {
                        "trial": f"{len(rows):012x}",
                        "variant": variant,
                        "depth": 18,
                        "params": params,
                        "macs": macs,
                        "seed": seed,
                        "train.optimizer.lr": rate,
                        "status": "ok",
                        "reason": None,
                        "test_accuracy": 0.9 + len(rows) * 0.003,
                        "train_images_per_s": 123.4 + len(rows),
                        "compute_images_per_s": 1150.25,
                        "infer_images_per_s": 4600.7,
                        "latency_ms": 8.1,
                        "wall_s": 61.2,
                    }
                )
    return pd.DataFrame(rows)


ASKED = [{}, {"against": "resnet18"}, {"by": "variant"}, {"by": "variant", "against": "resnet18"}]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_table_fits_the_terminal(asked, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    table = compared(trials(), **asked)
    compare_table.show(table)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    body = [line for line in printed.splitlines() if line.startswith(tuple(trials()["variant"]))]
    assert len(body) == len(table)
    assert "column(s) left out; 'compare' shows them with --columns all or --format csv" in " ".join(printed.split())
    for line, accuracy in zip(body, table["test_accuracy"], strict=True):
        assert f"{accuracy:.4f}" in line.split()
    if "against" in asked and width >= 80:  # a narrower terminal has no room beside the swept rate
        assert "resnet18" in printed.split(body[0])[0]


def test_heads_are_short_and_the_swept_setting_is_kept(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    compare_table.show(compared(trials()))
    head = capsys.readouterr().out.partition("resnet18")[0].split()
    assert {"variant", "seed", "lr", "test", "acc."} <= set(head)
    assert not [word for word in head if "_" in word]


@pytest.mark.parametrize("width", [60, 80])
def test_all_columns_are_printed_below_each_other(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    table = compared(trials(), columns=list(trials().columns))
    compare_table.show(table, every_column=True)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    assert "left out" not in printed
    for text in ("000000000003", "1.81G", "1150.2", "4600.7", "8.1", "61.2"):
        assert re.search(rf"(?<!\S){re.escape(text)}(?!\S)", printed), text


def test_a_deviation_stands_beside_its_mean(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    table = compared(trials(), by="variant")
    compare_table.show(table)
    deviation = f"±{table['test_accuracy_std'][0]:.4f}"
    assert f"{table['test_accuracy'][0]:.4f} {deviation}" in capsys.readouterr().out


def test_reasons_are_told_below_and_what_went_well_is_not(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    table = trials()
    compare_table.show(compared(table))
    assert "status" not in capsys.readouterr().out
    table.loc[2, ["status", "reason"]] = "failed", "an error with a long text that says where it is " * 3
    compare_table.show(compared(table))
    printed = capsys.readouterr().out
    assert "row 3 (resnet18): an error with a long text" in printed
    assert "status" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_settings_that_end_alike_keep_as_much_as_tells_them_apart():
    heads = compare_table._heads(
        ["variant", "data.name", "train.optimizer.name", "train.optimizer.lr", "macs_over_a_b"]
    )
    assert list(heads.values()) == ["variant", "data.name", "optimizer.name", "lr", "macs / a_b"]
