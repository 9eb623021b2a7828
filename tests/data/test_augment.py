"""Augmentation: seeded, each kind what it claims, none disturbing another."""

import dataclasses
import hashlib
import math

import numpy as np
import pytest

from resnet_lab import data
from resnet_lab.base import registry
from resnet_lab.data.augmentations.contract import Augmentation, Draw
from resnet_lab.data.augmentations.random_resized_crop import random_resized
from resnet_lab.data.augmentations.resize import scaled_crop
from resnet_lab.data.formats.decode import central
from resnet_lab.data.pipeline.augment import Chain
from resnet_lab.specs.augment import AUGMENTATIONS, AugmentSpec, augmentation

DRAW = Draw(3, 1, 4)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (16, 3, 20, 20)).astype(np.uint8)
NORMAL = RNG.standard_normal((16, 3, 20, 20)).astype(np.float32) + 5


def chain(**settings) -> Chain:
    return Chain(AugmentSpec(**settings))


def feed(**augment) -> data.Feed:
    split = data.InMemory(IMAGES, np.arange(16, dtype=np.int32) % 5)
    return data.Feed(split, 16, 3, (0.5,) * 3, (0.3,) * 3, AugmentSpec(**augment), classes=5)


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


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_drawn_from_the_seed_epoch_and_step_alone(kind):
    def made(seed=3, epoch=1):
        source = feed(**{kind: KINDS[kind]})
        images, labels, _ = dataclasses.replace(source, seed=seed).make(epoch, 0)
        return images.tobytes() + labels.tobytes()

    plain = feed().make(1, 0)[0].tobytes()
    assert made() == made() != made(epoch=2) != plain
    assert made() != made(seed=4)
    assert not made().startswith(plain)


def test_one_kind_does_not_disturb_another():
    """With colours and erasing on top, the crops stay the same, and labels and order with them."""
    alone = feed(random_resized_crop=(0.2, 0.9)).make(0, 0)
    more = feed(random_resized_crop=(0.2, 0.9), random_erasing=0.5).make(0, 0)
    kept = more[0] != 0
    assert 0.5 < kept.mean() < 1
    assert np.array_equal(alone[0][kept], more[0][kept])
    assert np.array_equal(alone[1], more[1])


@pytest.mark.parametrize(("width", "height"), [(500, 375), (375, 500), (32, 32), (1000, 40), (1, 1)])
def test_random_resized_crops_lie_inside_and_have_the_area_and_ratio_they_should(width, height):
    boxes = [random_resized(row, (0.08, 1.0))(width, height) for row in RNG.random((500, 22))]
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    if min(width, height) > 300:
        areas = np.array([(r - x) * (b - y) for x, y, r, b in boxes]) / (width * height)
        ratios = np.array([(r - x) / (b - y) for x, y, r, b in boxes])
        assert 0.075 < areas.min() < 0.12
        assert 0.85 < areas.max() <= 1
        assert 3 / 4 - 0.02 < ratios.min() < 0.8
        assert 1.25 < ratios.max() < 4 / 3 + 0.02
        assert np.median([left for left, *_ in boxes]) > 20


def test_scaled_crops_are_those_of_the_paper():
    """The shorter side to 256..480, then 224: the square's side is 224/480 to 224/256 of it, anywhere inside."""
    boxes = np.array([scaled_crop(row, (256, 480), 224)(640, 320) for row in RNG.random((500, 3))])
    sides = boxes[:, 2] - boxes[:, 0]
    assert np.allclose(sides, boxes[:, 3] - boxes[:, 1])
    assert 320 * 224 / 480 - 1e-6 <= sides.min() < 155
    assert 275 < sides.max() <= 320 * 224 / 256
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= 640
    assert boxes[:, 3].max() <= 320
    assert central(640, 320, 0.875) == (180, 20, 460, 300)


def test_erasing_puts_the_mean_into_rectangles():
    images = NORMAL.copy()
    chain(random_erasing=0.5).normalised(images, DRAW)
    erased = (images == 0).any(axis=(1, 2, 3))
    assert 3 <= erased.sum() <= 13
    assert np.array_equal(images[~erased], NORMAL[~erased])
    for image in images[erased]:
        gone = (image == 0).all(axis=0)
        rows, columns = np.flatnonzero(gone.any(axis=1)), np.flatnonzero(gone.any(axis=0))
        assert gone.sum() == len(rows) * len(columns)
        assert 0.01 < gone.mean() < 0.4


def test_mixup_mixes_pictures_and_labels_in_the_same_shares():
    labels = np.arange(16, dtype=np.int32) % 5
    images = NORMAL.copy()
    shares = chain(mixup=1.0).mix(images, labels, 5, DRAW)
    assert np.allclose(shares.sum(axis=1), 1)
    own = labels != labels[::-1]
    share = shares[np.arange(16), labels][own]
    assert np.ptp(share) == 0
    expected = share[0] * NORMAL + (1 - share[0]) * NORMAL[::-1]
    assert np.allclose(images, expected, atol=1e-5)
    assert 0 < share[0] < 1


def test_cutmix_labels_are_the_area_that_is_left():
    labels = np.arange(16, dtype=np.int32)
    seen = set()
    for step in range(20):
        images = NORMAL.copy()
        shares = chain(cutmix=1.0).mix(images, labels, 16, Draw(3, 1, step))
        kept = (images[0] == NORMAL[0]).all(axis=0)
        assert shares[0, labels[0]] == pytest.approx(kept.mean(), abs=1e-6)
        assert np.array_equal(images[0][:, ~kept], NORMAL[-1][:, ~kept])
        assert np.allclose(shares.sum(axis=1), 1)
        seen.add(round(float(kept.mean()), 2))
    assert len(seen) > 10


def test_with_both_a_coin_chooses():
    both, labels = chain(mixup=1.0, cutmix=1.0), np.arange(16, dtype=np.int32) % 5
    cuts = []
    for step in range(40):
        images = NORMAL.copy()
        both.mix(images, labels, 5, Draw(0, 0, step))
        cuts.append(bool((images == NORMAL).any()))
    assert 10 < sum(cuts) < 30


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_change_and_the_shape_stays(channels):
    for augment in (chain(rand_augment=(3, 30)), chain(color_jitter=0.8)):
        images = augment.pixels(IMAGES[:, :channels].copy(), DRAW)
        assert (images != IMAGES[:, :channels]).any(axis=(1, 2, 3)).sum() > 10


def test_every_operation_of_rand_augment_does_something_but_one():
    from PIL import Image

    from resnet_lab.data.augmentations.rand_augment import OPERATIONS

    picture = Image.fromarray(np.repeat(np.repeat(IMAGES[0].transpose(1, 2, 0) // 2 + 40, 2, 0), 2, 1))
    same = [np.array_equal(np.asarray(change(picture, 0.9, 1.0)), np.asarray(picture)) for change in OPERATIONS]
    assert len(same) == 14
    assert same == [True] + [False] * 13
    weak = [np.asarray(change(picture, 0.0, 1.0)) for change in OPERATIONS[5:]]
    assert all(np.array_equal(array, np.asarray(picture)) for array in weak)


def test_a_view_of_a_picture_in_memory_is_pillows():
    from PIL import Image

    source = feed(random_resized_crop=(0.2, 0.9))
    images, _, _ = source.make(0, 0)
    order = source.draws(0).order
    view = source.chain.views(Draw(3, 0, 0), 16, 20)[2]
    expected = Image.fromarray(IMAGES[order[2]].transpose(1, 2, 0)).resize(
        (20, 20), Image.Resampling.BILINEAR, box=view(20, 20)
    )
    assert math.isclose(float(images[2].max()), float((np.asarray(expected) / 255 - 0.5).max() / 0.3), rel_tol=1e-6)
    assert np.allclose(images[2], (np.asarray(expected).transpose(2, 0, 1) / 255 - 0.5) / 0.3, atol=1e-6)


def test_every_registered_kind_is_drawn_in_these_tests():
    assert set(KINDS) == set(AUGMENTATIONS.entries)


def test_no_two_kinds_share_a_stream_but_those_that_exclude_each_other():
    chosen = [entry.function for entry in AUGMENTATIONS.entries.values()]
    streams = {kind.stream for kind in chosen if kind.__name__ != "Resize"}
    assert len(streams) == len(chosen) - 1
    assert streams.isdisjoint({0, 1, 2, 7})


GOLDEN = {
    "pad_crop": "ba71e479ea7bcb3f",
    "flip": "e6b43ae0f79449f9",
    "random_erasing": "b594a8c22f66f3e2",
    "mixup": "027091b2c6bfa124",
    "cutmix": "a46b4161cbfe873c",
}
"""Digests of a batch after the augmentations that NumPy alone computes, from the code that first had them."""


@pytest.mark.parametrize("kind", GOLDEN)
def test_batches_stay_as_they_were(kind):
    settings = {"pad_crop": 3, "flip": True, "random_erasing": 0.9, "mixup": 1.0, "cutmix": 1.0}
    images = np.arange(16 * 3 * 9 * 7, dtype=np.int64).reshape(16, 3, 9, 7) % 251
    split = data.InMemory(images.astype(np.uint8), np.arange(16, dtype=np.int32) % 5)
    made = data.Feed(split, 8, 0, (0.5,) * 3, (0.25,) * 3, AugmentSpec(**{kind: settings[kind]}), 5).make(1, 1)
    assert hashlib.sha256(made[0].tobytes() + made[1].tobytes()).hexdigest()[:16] == GOLDEN[kind]


def test_an_augmentation_of_ones_own_is_one_class():
    with registry.temporary():

        @augmentation("invert", setting=bool, bare=True)
        class Invert(Augmentation):
            """Dark becomes light."""

            order = 3

            def pixels(self, images, draw):
                return 255 - images

        plain, inverted = feed(flip=True), feed(flip=True, invert=True)
        assert not inverted.resident
        assert plain.resident
        values = [source.make(0, 0)[0] * 0.3 + 0.5 for source in (plain, inverted)]
        assert np.allclose(values[0] + values[1], 1, atol=1e-6)
        assert AugmentSpec.model_validate(["flip", "invert"]) == AugmentSpec(flip=True, invert=True)
    with pytest.raises(ValueError, match="unknown augmentation 'invert'"):
        AugmentSpec(invert=True)
