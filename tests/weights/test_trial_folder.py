"""The folder of a trial: the keys that training writes are those that are read here."""

import json

import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.specs.experiment import load as load_experiment
from resnet_lab.sweeps.plan import plan
from resnet_lab.weights import safetensors, trial_folder
from resnet_lab.weights.pretrained import load
from tests.conftest import any_engine, random_weights


def test_what_training_writes_is_read(workspace):
    (workspace / "experiments" / "e.yaml").write_text(
        "variants: [cifar_resnet20]\ndata: {name: digits, size: 8}\ntrain: {epochs: 1, batch_size: 64}\n"
        f"engine: {any_engine()}\ngrid: {{variant.every_stage.shortcut: [projection]}}\n"
    )
    (trial,) = plan(load_experiment("e", [])).trials
    (workspace / "trial.json").write_text(json.dumps(trial.to_json()))
    network = trial_folder.read(workspace)
    assert (network.name, network.trained) == ("cifar_resnet20", trial.graph)
    arrays = random_weights(trial.graph)
    safetensors.save(workspace / trial_folder.WEIGHTS, arrays)
    loaded = load(str(workspace))
    assert loaded.graph == trial.graph
    assert loaded.arrays.keys() == arrays.keys()
    with pytest.raises(LabError, match="takes images of 3x8x8 and has 10 classes; for another shape name its variant"):
        network.graph((3, 16, 16))


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"variant": "a", "graph": 3}'])
def test_a_damaged_trial_is_named(tmp_path, content):
    (tmp_path / "trial.json").write_text(content)
    assert trial_folder.is_trial(tmp_path)
    with pytest.raises(LabError, match="trial.json: cannot be read as a trial"):
        load(str(tmp_path))


def test_a_folder_without_a_trial_is_none(tmp_path):
    assert not trial_folder.is_trial(tmp_path)
    assert rl.graph("cifar_resnet20")
