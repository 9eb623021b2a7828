"""`resnet-lab evaluate`: scores as JSON and as a table, the folder of a trial, and mistakes."""

import json

import pytest

import resnet_lab as rl
from tests.conftest import any_engine


def test_evaluate_prints_json(engine, lab, net):
    words = ("evaluate", "cifar_resnet20", "--weights", str(net), "--data", "digits", "--engine", engine.name)
    done = lab(*words, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {"top1", "top5", "loss", "count"} <= told.keys()
    assert told["count"] == sum(row["count"] for row in told["classes"]) == 360
    assert "on 360 test images of digits" in lab(*words).stdout


def test_only_the_folder_of_a_trial_has_weights_of_its_own(workspace, lab):
    done = lab("evaluate", "cifar_resnet20", "--data", "digits", "--engine", any_engine())
    assert done.returncode == 2
    assert "'cifar_resnet20' is a variant, so its weights are needed: --weights FILE" in done.stderr
    folder = workspace / "results" / "e" / "trials" / "0123456789ab"
    folder.mkdir(parents=True)
    graph = rl.graph("cifar_resnet20")
    (folder / "trial.json").write_text(json.dumps({"variant": "cifar_resnet20", "graph": graph.to_json()}))
    done = lab("evaluate", str(folder), "--data", "digits", "--engine", any_engine())
    assert done.returncode == 2
    assert f"{folder}: this trial has no weights.safetensors: it has not ended, or it failed" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("evaluate", "cifar_resnet20", "--data", "digit"), "did you mean 'digits'"),
        (("evaluate", "cifar_resnet20", "--data", "digits", "--split", "dev"), "unknown split 'dev'"),
        (("evaluate", "cifar_resnet20", "--data", "digits", "--set", "path"), "--set takes KEY=VALUE"),
    ],
)
def test_mistakes_end_in_one_message(refused, words, told):
    assert told in refused(*words)
