"""The chain of augmentations: none disturbs another, and one kind of mixing is drawn for each batch."""

import numpy as np

from resnet_lab.data.augmentations.contract import Draw
from tests.data.augmentations.batches import NORMAL, chain, feed


def test_one_kind_does_not_disturb_another():
    """With colours and erasing on top, the crops stay the same, and labels and order with them."""
    alone = feed(random_resized_crop=(0.2, 0.9)).make(0, 0)
    more = feed(random_resized_crop=(0.2, 0.9), random_erasing=0.5).make(0, 0)
    kept = more[0] != 0
    assert 0.5 < kept.mean() < 1
    assert np.array_equal(alone[0][kept], more[0][kept])
    assert np.array_equal(alone[1], more[1])


def test_of_two_kinds_of_mixing_one_is_drawn_for_each_batch():
    both, labels = chain(mixup=1.0, cutmix=1.0), np.arange(16, dtype=np.int32) % 5
    cuts = []
    for step in range(40):
        images = NORMAL.copy()
        both.mix(images, labels, 5, Draw(0, 0, step))
        cuts.append(bool((images == NORMAL).any()))
    assert 10 < sum(cuts) < 30


def test_the_order_of_the_stages_does_not_follow_the_order_in_the_file():
    """The crop comes before the colours, and both before the erasing, however they are written."""
    settings = {"random_erasing": 0.9, "color_jitter": 0.5, "pad_crop": 3}
    one, other = (feed(**dict(items)).make(0, 0)[0] for items in (settings.items(), reversed(settings.items())))
    assert np.array_equal(one, other)


def test_labels_stay_numbers_where_nothing_is_mixed():
    labels = np.arange(16, dtype=np.int32) % 5
    assert chain(flip=True).mix(NORMAL.copy(), labels, 5, Draw(0, 0, 0)) is labels


def test_only_crops_and_mirror_images_need_nothing_but_the_draws_of_an_epoch():
    assert chain().on_device
    assert chain(flip=True, pad_crop=4).on_device
    assert not chain(flip=True, mixup=0.2).on_device
