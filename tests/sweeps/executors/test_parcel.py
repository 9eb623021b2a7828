"""The files that travel with a trial, and those that come back."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab.blocks.opaque import homes
from resnet_lab.network.initial import initial
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors.parcel import changed, keep, own_files, unpack, with_whole_paths
from resnet_lab.sweeps.plan import plan
from resnet_lab.training.trial import Trial
from resnet_lab.weights import safetensors
from tests.conftest import engine_or_skip

MODULE = """
from resnet_lab import module_block
from helper import CLASSES

@module_block("mine", engine="torch")
class Mine:
    def __new__(cls, in_channels, channels, stride):
        import torch
        return torch.nn.Conv2d(in_channels, channels, 1, stride)
"""


def planned(*settings):
    [trial] = plan(load("e", settings)).trials
    return trial


def test_a_trial_finds_its_files_in_another_folder(tiny, tmp_path):
    engine_or_skip("torch")
    (tiny / "own" / "block.py").write_text(MODULE)
    (tiny / "variants" / "tiny.yaml").write_text(
        (tiny / "variants" / "tiny.yaml").read_text().replace("block: basic", "block: mine")
        + "blocks: [../own/block.py]\n"
    )
    safetensors.save(tiny / "first.safetensors", initial(rl.graph("tiny"), 1))
    trial = planned("engine=torch", "train.init.weights=first.safetensors")
    assert [path.name for path in own_files(trial)] == ["block.py", "helper.py", "noise.py", "first.safetensors"]
    files = {str(path): path.read_bytes() for path in own_files(trial)}
    there = tmp_path / "there"
    values = unpack(json.loads(json.dumps(trial.to_json())), files, there)
    assert str(tiny / "own") not in json.dumps(values)
    moved = Trial.from_json(values)
    assert moved.id == trial.id
    assert moved.labels() == trial.labels()
    [block], [dataset] = homes(moved.graph), moved.datasets
    assert Path(block).parent == Path(dataset).parent
    assert {path.name for path in Path(block).parent.iterdir()} == {"block.py", "helper.py", "noise.py"}
    assert Path(moved.train.init.weights).read_bytes() == files[str(tiny / "first.safetensors")]


def test_data_in_the_working_directory_gets_a_whole_path(tiny):
    images, labels = np.zeros((32, 8, 8), np.uint8), np.arange(32) % 10
    np.savez("mine.npz", train_images=images, train_labels=labels, test_images=images, test_labels=labels)
    trial = planned("data={name: arrays, path: mine.npz}")
    assert trial.data.options == {"path": "mine.npz"}
    moved = Trial.from_json(with_whole_paths(trial, trial.to_json()))
    assert moved.data.options == {"path": str(tiny / "mine.npz")}
    assert (moved.id, moved.labels()) == (trial.id, trial.labels())


@pytest.mark.parametrize("names", [None, ("epochs.json",)])
def test_a_file_is_read_when_it_has_changed(tmp_path, names):
    (tmp_path / "epochs.json").write_text("1")
    (tmp_path / "log.txt").write_text("a")
    (tmp_path / ".log.txt.7.partial").write_text("b")
    (tmp_path / "checkpoint.safetensors").symlink_to("removed")  # as a file that is removed after the folder was listed
    sent = {}
    all_files = {"epochs.json": b"1", "log.txt": b"a"}
    assert changed(tmp_path, names, sent) == {name: all_files[name] for name in names or all_files}
    assert changed(tmp_path, names, sent) == {}
    (tmp_path / "epochs.json").write_text("2")
    os.utime(tmp_path / "epochs.json", ns=(1, 1))
    assert changed(tmp_path, names, sent) == {"epochs.json": b"2"}


def test_files_that_come_back_stay_in_the_folder_of_the_trial(tmp_path):
    folder = tmp_path / "trial"
    folder.mkdir()
    keep(folder, {"result.json": b"{}", "../outside.txt": b"x", "checkpoint.safetensors": b"c"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "result.json": b"{}", "outside.txt": b"x", "checkpoint.safetensors": b"c",
    }  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["trial"]
