"""The augmentations of data/augmentations/ on the device, for images that lie there.

Each gives the host's images bit for bit; docs/data.md says where this was compared. The random numbers are drawn on
the host, by the methods that the host's forms use.
"""

from __future__ import annotations

from ....data.augmentations.color_jitter import ColorJitter
from ....data.augmentations.contract import Augmentation
from ....data.augmentations.cutmix import Cutmix
from ....data.augmentations.flip import Flip
from ....data.augmentations.mixup import Mixup
from ....data.augmentations.pad_crop import PadCrop
from ....data.augmentations.rand_augment import RandAugment
from ....data.augmentations.random_erasing import RandomErasing
from ....data.augmentations.random_resized_crop import RandomResizedCrop
from ....data.augmentations.resize import Resize
from .chunk import Chunk, Form
from .colours import Jitter
from .mixing import Erasing, mixed, shares
from .rand_augment import Operations
from .views import Views

VIEWS: dict[type[Augmentation], type[Form]] = {Resize: Views, RandomResizedCrop: Views}
PIXELS: dict[type[Augmentation], type[Form]] = {RandAugment: Operations, ColorJitter: Jitter}
NORMALISED: dict[type[Augmentation], type[Form]] = {RandomErasing: Erasing}

GATHERED = {PadCrop, Flip}
"""Augmentations that only choose pixels: they are done when the images are gathered into a batch."""

MIXING = {Mixup, Cutmix}

ON_DEVICE = {*VIEWS, *PIXELS, *NORMALISED, *GATHERED, *MIXING}
"""The augmentations that can be done on the device; a class of a person's own, also one that inherits, is not."""

__all__ = ["NORMALISED", "ON_DEVICE", "PIXELS", "VIEWS", "Chunk", "Form", "mixed", "shares"]
