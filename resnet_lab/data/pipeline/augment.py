"""The augmentations of an experiment, in the fixed order in which a batch passes through them.

First the part of each picture that is shown (`resize` or `random_resized_crop`), then `pad_crop`, `flip`,
`rand_augment`, `color_jitter`, the normalisation, `random_erasing`, and last `mixup` or `cutmix`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...specs.augment import AUGMENTATIONS, AugmentSpec
from ..augmentations.contract import Augmentation, Draw
from ..formats.decode import Box

_MIXING = 7
"""The number of the stream that mixing draws from; `Augmentation.stream` says which others there are."""


class Chain:
    """The augmentations that a spec asks for, each at its stage.

    Attributes:
        kinds: all of them; those of one stage stand in their order.
        on_device: whether there is none but crops and flips, which an engine may make from `Draw` alone.
        mixes: whether pictures of a batch are mixed with each other.
    """

    def __init__(self, spec: AugmentSpec) -> None:
        made: list[Augmentation] = [
            AUGMENTATIONS.get(name).function(setting) for name, setting in spec.settings.items()
        ]
        made.sort(key=lambda own: (own.order, type(own).__name__))
        self.kinds = tuple(made)
        self._views, self._pixels, self._normalised, self._mixers = (
            [own for own in made if getattr(type(own), stage) is not getattr(Augmentation, stage)]
            for stage in ("views", "pixels", "normalised", "mix")
        )
        self.on_device = all(own.on_device for own in made)
        self.mixes = bool(self._mixers)

    def views(self, draw: Draw, count: int, size: int) -> list[Box] | None:
        """For each picture of a batch the part that is shown; None where nothing is drawn."""
        return self._views[0].views(draw, count, size) if self._views else None

    def pixels(self, images: NDArray[np.uint8], draw: Draw) -> NDArray[np.uint8]:
        """The uint8 images (batch, C, H, W), changed in place or not."""
        for own in self._pixels:
            images = own.pixels(images, draw)
        return images

    def normalised(self, images: NDArray[np.float32], draw: Draw) -> None:
        """Change normalised images (batch, C, H, W) in place."""
        for own in self._normalised:
            own.normalised(images, draw)

    def mix(self, images: NDArray[np.float32], labels: NDArray[np.int32], classes: int, draw: Draw) -> NDArray[Any]:
        """Mix each image, in place, with the one at its place in the reversed batch, and the labels likewise.

        With several kinds of mixing, one is chosen at random for each batch.

        Returns:
            float32 (batch, classes), the share of each class; the labels themselves where nothing is mixed.
        """
        if not self._mixers:
            return labels
        mixer, stream = self.mixer(draw)
        share = mixer.mix(images, stream)
        shares = np.zeros((len(labels), classes), np.float32)
        shares[np.arange(len(labels)), labels] = share
        shares[np.arange(len(labels)), labels[::-1]] += np.float32(1 - share)
        return shares

    def mixer(self, draw: Draw) -> tuple[Augmentation, np.random.Generator]:
        """The kind of mixing of a batch, and the stream that it draws from; there must be a kind (`mixes`)."""
        stream = draw.stream(_MIXING)
        several = len(self._mixers) > 1
        return self._mixers[int(stream.random() * len(self._mixers)) if several else 0], stream
