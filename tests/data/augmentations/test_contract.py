"""The contract of an augmentation: seeded, apart from the others, and one class of a person's own."""

import dataclasses

import numpy as np
import pytest

from resnet_lab.base import registry
from resnet_lab.data.augmentations.contract import Augmentation, through_pillow
from resnet_lab.specs.augment import AUGMENTATIONS, AugmentSpec, augmentation
from tests.data.augmentations.batches import IMAGES, KINDS, feed


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


def test_every_registered_kind_is_drawn_in_these_tests():
    assert set(KINDS) == set(AUGMENTATIONS.entries)


def test_no_two_kinds_share_a_stream_but_those_that_exclude_each_other():
    chosen = [entry.function for entry in AUGMENTATIONS.entries.values()]
    streams = {kind.stream for kind in chosen if kind.__name__ != "Resize"}
    assert len(streams) == len(chosen) - 1
    assert streams.isdisjoint({0, 1, 2, 7})


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


@pytest.mark.parametrize("channels", [1, 3])
def test_a_function_of_pillow_images_changes_an_array_in_place(channels):
    from PIL import ImageOps

    image = IMAGES[0, :channels].copy()
    through_pillow(image, ImageOps.mirror)
    assert np.array_equal(image, IMAGES[0, :channels, :, ::-1])
