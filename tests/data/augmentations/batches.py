"""Batches of random images that the tests of the augmentations change."""

import hashlib

import numpy as np

from resnet_lab import data
from resnet_lab.data.augmentations.contract import Draw
from resnet_lab.data.pipeline.augment import Chain
from resnet_lab.specs.augment import AugmentSpec

DRAW = Draw(3, 1, 4)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (16, 3, 20, 20)).astype(np.uint8)
NORMAL = RNG.standard_normal((16, 3, 20, 20)).astype(np.float32) + 5

KINDS = {
    "pad_crop": 3,
    "flip": True,
    "resize": (22, 30),
    "random_resized_crop": (0.2, 0.9),
    "rand_augment": (2, 15),
    "color_jitter": 0.5,
    "random_erasing": 0.9,
    "mixup": 1.0,
    "cutmix": 1.0,
}
"""A setting of each augmentation."""


def chain(**settings) -> Chain:
    return Chain(AugmentSpec(**settings))


def feed(**augment) -> data.Feed:
    split = data.InMemory(IMAGES, np.arange(16, dtype=np.int32) % 5)
    return data.Feed(split, 16, 3, (0.5,) * 3, (0.3,) * 3, AugmentSpec(**augment), classes=5)


def golden(**augment) -> str:
    """The digest of a batch after augmentations that NumPy alone computes; it is the same on every machine."""
    images = np.arange(16 * 3 * 9 * 7, dtype=np.int64).reshape(16, 3, 9, 7) % 251
    split = data.InMemory(images.astype(np.uint8), np.arange(16, dtype=np.int32) % 5)
    made = data.Feed(split, 8, 0, (0.5,) * 3, (0.25,) * 3, AugmentSpec(**augment), 5).make(1, 1)
    return hashlib.sha256(made[0].tobytes() + made[1].tobytes()).hexdigest()[:16]
