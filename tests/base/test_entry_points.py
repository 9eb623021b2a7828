"""Installed packages add blocks, datasets and others, whichever command asks for them."""

import json
import shutil
import sys
from pathlib import Path

import pytest

import resnet_lab as rl
from resnet_lab.base import entry_points
from resnet_lab.base.errors import LabError
from resnet_lab.network.initial import initial
from resnet_lab.weights import safetensors
from tests.conftest import ROOT, any_engine

PLUGIN = """
import numpy as np
from resnet_lab import block
from resnet_lab.data import Dataset, Split, dataset
from resnet_lab.ops import conv

@block("plugged")
def plugged(x, channels, stride, shortcut):
    return shortcut(x) + conv(x, channels, 3, stride)

@dataset("packaged", shape=(3, 8, 8), classes=10, count=8)
def packaged():
    images = np.zeros((8, 3, 8, 8), np.uint8)
    part = Split(images, np.arange(8, dtype=np.int32))
    return Dataset("packaged", tuple("abcdefghij"), part, part, (0.0,) * 3, (1.0,) * 3)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an installed package `plugged`, whose module may be rewritten."""
    folder = tmp_path / "site"
    (folder / "plugged-1.0.dist-info").mkdir(parents=True)
    (folder / "plugged-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    (folder / "plugged-1.0.dist-info" / "entry_points.txt").write_text("[resnet_lab.plugins]\nplugged = plugged\n")
    (folder / "plugged.py").write_text(PLUGIN)
    monkeypatch.setattr(entry_points, "_loaded", False)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    yield folder
    sys.modules.pop("plugged", None)


def test_a_packaged_block_is_known_to_every_command(package, program, workspace):
    (workspace / "variants" / "v.yaml").write_text("extends: resnet18\nevery_stage: {block: plugged}\n")
    printed = []
    for words in (
        ("list", "blocks"),
        ("describe", "v", "--json"),
        ("describe", "--block", "plugged", "--input", "8x8x8", "--channels", "8"),
    ):
        done = program(*words)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
    assert "plugged" in printed[0]
    assert json.loads(printed[1])["depth"] == 10


def test_a_packaged_dataset_is_known_to_every_command(package, program, workspace):
    assert "packaged" in program("list", "datasets").stdout
    for command in ("check", "show"):
        done = program("data", command, "packaged")
        assert done.returncode == 0, done.stderr
    safetensors.save(workspace / "w.safetensors", initial(rl.graph("cifar_resnet20", input=(3, 8, 8)), 0))
    words = ["--weights", "w.safetensors", "--data", "packaged", "--engine", any_engine(), "--json"]
    done = program("evaluate", "cifar_resnet20", *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["count"] == 8


def test_a_packaged_engine_runs_trials(package, program, workspace):
    shutil.copy(ROOT / "tests" / "engines" / "nothing.py", package / "nothing_engine.py")
    (package / "plugged.py").write_text("from resnet_lab import engines\nengines.add('nothing', 'nothing_engine')\n")
    (workspace / "experiments" / "e.yaml").write_text(
        "variants: [cifar_resnet20]\ndata: {size: 8, limit: 32}\ntrain: {epochs: 1, batch_size: 32}\n"
        "engine: nothing\nmeasure: false\n"
    )
    done = program("run", "e")
    assert done.returncode == 0, done.stderr
    assert rl.results("results/e")[["engine", "status", "train_loss"]].values.tolist() == [["nothing", "ok", 1.0]]


def test_a_plug_in_that_fails_is_named(package, monkeypatch):
    (package / "plugged.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(package))
    for _ in range(2):  # the second look-up does not take the plug-in for loaded
        with pytest.raises(LabError, match=r"the entry point 'plugged' \(plugged\) of resnet_lab.plugins fails: Zero"):
            entry_points.load()


def test_a_plug_in_may_look_names_up_while_it_is_imported(package, monkeypatch):
    from resnet_lab.blocks import BLOCKS

    (package / "plugged.py").write_text(
        "from resnet_lab.blocks import BLOCKS\nfound = [name for name in BLOCKS.entries if name == 'basic']\n"
        "assert found and BLOCKS.find('absent') is None\n"
    )
    monkeypatch.syspath_prepend(str(package))
    assert BLOCKS.find("absent") is None
