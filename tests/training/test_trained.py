"""A trained network on an engine: its weights are loaded, and its images are square."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.training import trained
from resnet_lab.weights.pretrained import load
from tests.conftest import any_engine


def test_a_model_has_the_weights_of_the_file(engine, net):
    read = load("cifar_resnet20", net)
    weights = trained.model(read, engine.name).weights()
    assert weights.keys() == read.arrays.keys()
    assert all(np.array_equal(weights[name], read.arrays[name]) for name in weights)


def test_an_engine_or_a_device_that_does_not_exist_is_refused(net):
    read = load("cifar_resnet20", net)
    with pytest.raises(LabError, match="unknown engine 'mxnt'; did you mean 'mxnet'"):
        trained.model(read, "mxnt")
    with pytest.raises(LabError, match="device 'cpuu'"):
        trained.model(read, any_engine(), "cpuu")


def test_the_side_of_images_that_are_not_square_is_refused():
    assert trained.square_side(rl.graph("cifar_resnet20", input=(3, 24, 24))) == 24
    with pytest.raises(LabError, match="images of 3x24x32, but pictures are made square"):
        trained.square_side(rl.graph("cifar_resnet20", input=(3, 24, 32)))
