"""`rand_augment` on the device. For each operation all its images are changed together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from ....data.augmentations import rand_augment as host
from . import colours
from .chunk import Chunk

_MOVES = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
"""Operations that move pixels, by the nearest one: each new pixel is one of the old ones, or black."""

_TABLES = ("solarize", "posterize", "brightness")
"""Operations that replace each level by another, the same in each image."""

_BLENDS = {"color": colours.coloured, "contrast": colours.contrasted, "sharpness": colours.sharpened}
_OWN_TABLES = {"autocontrast": colours.autocontrast, "equalize": colours.equalize}
_FAMILIES = ("identity", "move", "table", *_BLENDS, *_OWN_TABLES)
"""What is computed together, in this order."""

_SIGNS = (1.0, -1.0)


class Operations:
    """Applies the operations that were drawn for each image.

    An operation has one strength in a trial. So there are few different moves and tables, which Pillow itself makes
    here: from an image whose pixels are their own positions, and from one that has each grey level once.
    """

    def __init__(self, own: host.RandAugment, shape: tuple[int, int, int], device: torch.device) -> None:
        self._own = own
        channels, height, width = shape
        sources = torch.from_numpy(np.stack(list(self._sources(height, width)))).to(device)
        self._outside, self._sources_of = sources < 0, sources.clamp(min=0)
        self._tables = torch.from_numpy(np.stack(list(self._levels()))).to(device)
        self._families, self._first = _numbered(channels)

    def __call__(self, images: torch.Tensor, chunk: Chunk) -> torch.Tensor:
        """Change uint8 images (count, C, H, W)."""
        numbers, signs = chunk.drawn(lambda draw, count: np.stack(self._own.operations(draw, count), 1)).swapaxes(0, 1)
        numbers = numbers.astype(np.int64)
        families = self._families[numbers]
        orders = [np.argsort(own, kind="stable") for own in families.T]
        steps = np.stack(list(_steps(orders)))
        choices = np.stack([(self._first[n] + (s < 0))[o] for n, s, o in zip(numbers.T, signs.T, orders, strict=True)])
        factors = np.stack([host.factors(self._own.strength, s)[o] for s, o in zip(signs.T, orders, strict=True)])
        steps, choices = chunk.send(np.concatenate([steps, choices])).split([len(steps), len(choices)])
        for place, choice, factor, family in zip(
            steps[:-1], choices, chunk.send(factors.astype(np.float32)), families.T, strict=True
        ):
            images = images.index_select(0, place)
            self._change(images, choice, factor, np.bincount(family, minlength=len(_FAMILIES)))
        return images.index_select(0, steps[-1])

    def _change(
        self, images: torch.Tensor, choice: torch.Tensor, factor: torch.Tensor, counts: NDArray[np.int64]
    ) -> None:
        """Change images, in place, that are sorted by family; `counts` says how many each family has."""
        start = 0
        for family, count in zip(_FAMILIES, counts.tolist(), strict=True):
            part = slice(start, start + count)
            start += count
            if not count or family == "identity":
                continue
            own = images[part]
            if family == "move":
                images[part] = self._moved(own, choice[part])
            elif family == "table":
                images[part] = colours.looked_up(self._tables[choice[part]][:, None], own)
            elif family in _BLENDS:
                images[part] = _BLENDS[family](own, factor[part])
            else:
                images[part] = _OWN_TABLES[family](own)

    def _moved(self, images: torch.Tensor, choice: torch.Tensor) -> torch.Tensor:
        pixels = images.flatten(2)
        sources, outside = self._sources_of[choice][:, None], self._outside[choice][:, None]
        return pixels.gather(2, sources.expand(pixels.shape)).masked_fill_(outside, 0).view(images.shape)

    def _sources(self, height: int, width: int) -> Iterator[NDArray[np.int64]]:
        """For each move and sign the old position of each pixel, (H * W,); -1 for a pixel from outside."""
        from PIL import Image

        positions = Image.fromarray(np.arange(1, height * width + 1, dtype=np.int32).reshape(height, width))
        for name in _MOVES:
            for sign in _SIGNS:
                moved = host.OPERATIONS[name](positions, self._own.strength, sign)
                yield np.asarray(moved).astype(np.int64).ravel() - 1

    def _levels(self) -> Iterator[NDArray[np.uint8]]:
        """For each operation by table and each sign the new grey levels, (256,)."""
        from PIL import Image

        levels = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
        for name in _TABLES:
            for sign in _SIGNS:
                yield np.asarray(host.OPERATIONS[name](levels, self._own.strength, sign)).ravel()


def _numbered(channels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For the number of each operation the number of its family, and of its first move or table."""
    families, first = [], []
    for name in host.OPERATIONS:
        family = "move" if name in _MOVES else "table" if name in _TABLES else name
        if name == "color" and channels == 1:
            family = "identity"  # grey images have no colour
        families.append(_FAMILIES.index(family))
        members = {"move": _MOVES, "table": _TABLES}.get(family, (name,))
        first.append(len(_SIGNS) * members.index(name) if name in members else 0)
    return np.array(families), np.array(first)


def _steps(orders: list[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
    """Where each image comes from when images go from one order to the next, and at last back to the first order."""
    place = np.arange(len(orders[0]))
    for order in [*orders, np.arange(len(place))]:
        yield place[order]
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
