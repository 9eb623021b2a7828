"""Options that commands share: --normalise and --weights."""

import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.cli import options
from resnet_lab.data.dataset import IMAGENET_MEAN, IMAGENET_STD
from resnet_lab.weights import safetensors
from resnet_lab.weights.pretrained import Pretrained
from tests.conftest import random_weights


def net():
    return Pretrained("cifar_resnet20", rl.graph("cifar_resnet20"), {}, "")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (None, None),
        ("imagenet", (IMAGENET_MEAN, IMAGENET_STD)),
        ("0.5,0.4,0.3/1,2,3", ((0.5, 0.4, 0.3), (1.0, 2.0, 3.0))),
    ],
)
def test_normalisation(text, values):
    assert options.normalisation(text, net()) == values


@pytest.mark.parametrize("text", ["0.5/0.5", "1,1,1/0,0,0", "nan,0,0/1,1,1", "1,1,1", "dataset", "a,b,c/1,1,1"])
def test_a_normalisation_that_is_none(text):
    with pytest.raises(
        LabError, match=f"--normalise is imagenet, dataset .* for each of 3 channel.s., .* not '{text}'"
    ):
        options.normalisation(text, net())


def test_a_doubt_is_printed_and_the_weights_are_loaded(tmp_path, monkeypatch, capsys):
    safetensors.save(tmp_path / "net.safetensors", random_weights(rl.graph("cifar_resnet20")))
    monkeypatch.setattr("resnet_lab.weights.pretrained.doubt", lambda *_: "a doubt")
    assert options.load("cifar_resnet20", str(tmp_path / "net.safetensors")).arrays
    assert capsys.readouterr().err == f"resnet-lab: {tmp_path / 'net.safetensors'}: a doubt\n"
