"""Stems: output shapes and layers."""

import pytest

from resnet_lab import LabError, stem
from resnet_lab.blocks.stems import STEMS
from resnet_lab.network.tensor import Builder


def apply(name: str, size: int, **options: object):
    entry = STEMS.get(name)
    return entry.function(Builder().input((3, size, size)), 16, **entry.check(options))


@pytest.mark.parametrize("name", list(STEMS.entries))
def test_every_stem_gives_the_channels_it_is_asked_for(name):
    assert STEMS.get(name).summary
    assert apply(name, 32).channels == 16


@pytest.mark.parametrize(
    ("name", "shape"), [("imagenet", (16, 56, 56)), ("deep", (16, 56, 56)), ("cifar", (16, 224, 224))]
)
def test_sizes_are_the_published_ones(name, shape):
    assert apply(name, 224).shape == shape


def test_norms_and_activation_can_be_chosen():
    layers = list(apply("cifar", 32, norm_input=True, norm_after=False, activate=False).builder.nodes)[1:]
    assert layers == ["norm1", "conv1"]
    assert list(apply("cifar", 32).builder.nodes)[1:] == ["conv1", "norm1", "relu1"]


def test_a_taken_name_is_refused():
    with pytest.raises(LabError, match="stem 'cifar' .* is taken already, by .*stems.py"):
        stem("cifar")(lambda x, channels: x)
