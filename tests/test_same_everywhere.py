"""What a seed draws is the same on every Python and beside every NumPy: these digests were taken on Python 3.11 with
NumPy 1.23.5, and again on Python 3.13 with NumPy 2.4.6.
"""

from __future__ import annotations

import hashlib

import numpy as np

import resnet_lab as rl
from resnet_lab import data
from resnet_lab.network.initial import initial


def digest(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()[:16]


def test_initial_weights():
    graph = rl.graph("cifar_resnet20", input=(3, 16, 16), classes=10)
    assert digest(*initial(graph, 3).values()) == "a8387b1f67a99763"
    uniform = initial(graph, 3, weight="xavier", fan="avg", distribution="uniform")
    assert digest(*uniform.values()) == UNIFORM


def test_the_order_the_crops_and_the_flips():
    images = np.random.RandomState(0).randint(0, 256, (256, 3, 8, 8)).astype(np.uint8)
    split = data.Split(images, np.arange(256, dtype=np.int32) % 10)
    feed = data.Feed(split, 32, 3, (0.5,) * 3, (0.25,) * 3, data.AugmentSpec(pad_crop=4, flip=True))
    draws = feed.draws(1)
    assert digest(draws.order, draws.corners, draws.flips) == DRAWS
    assert digest(*(images for images, _ in feed.epoch(1))) == BATCHES


UNIFORM = "b2f1d7e7fc4ff1b0"
DRAWS = "ce215d54d30fbb3f"
BATCHES = "7944a5b0ab423088"
