"""The kinds of augmentation, one file each; they register themselves."""

from . import color_jitter, cutmix, flip, mixup, pad_crop, rand_augment, random_erasing, random_resized_crop, resize

__all__ = [
    "color_jitter",
    "cutmix",
    "flip",
    "mixup",
    "pad_crop",
    "rand_augment",
    "random_erasing",
    "random_resized_crop",
    "resize",
]
