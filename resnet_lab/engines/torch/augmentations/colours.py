"""Pillow's operations on colours, for many images at once, bit for bit.

Images are uint8 (count, C, H, W) with 1 or 3 channels. Where Pillow computes in float32 or float64, each product and
each sum is an operation of its own here, so that no GPU joins them into one that rounds differently; and a tensor is
divided by a tensor, since PyTorch replaces a division by a number by a product with its reciprocal.
"""

from __future__ import annotations

import torch

from ....data.augmentations.color_jitter import ColorJitter
from .chunk import Chunk


class Jitter:
    """Changes brightness, contrast and saturation: `color_jitter`."""

    def __init__(self, own: ColorJitter, shape: tuple[int, int, int], device: torch.device) -> None:
        self._own = own

    def __call__(self, images: torch.Tensor, chunk: Chunk) -> torch.Tensor:
        """Change uint8 images (count, C, H, W)."""
        drawn = chunk.drawn(self._own.factors).astype("float32")
        brightness, contrast, saturation = chunk.send(drawn.T)
        images = blend(torch.zeros((), dtype=torch.uint8, device=images.device), images, brightness)
        images = contrasted(images, contrast)
        return coloured(images, saturation) if images.shape[1] == 3 else images


def blend(start: torch.Tensor, images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Go from one image towards another, or beyond it (`Image.blend`).

    Args:
        start: uint8 images, or a grey level for each; the result for the factor 0.
        images: uint8 (count, C, H, W), the result for the factor 1.
        factors: float32 (count,).
    """
    floats = start.float()
    change = (images.float() - floats) * factors[:, None, None, None]
    return (floats + change).clamp_(0, 255).to(torch.uint8)


def contrasted(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Change the contrast (`ImageEnhance.Contrast`)."""
    levels = grey(images)
    total = levels.sum((1, 2, 3)).double()
    mean = total / torch.full_like(total, levels[0].numel())
    return blend((mean + 0.5).to(torch.uint8)[:, None, None, None], images, factors)


def coloured(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Change the saturation of images with three channels (`ImageEnhance.Color`)."""
    return blend(grey(images), images, factors)


def sharpened(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Change the sharpness (`ImageEnhance.Sharpness`); the blurred images keep their border of one pixel."""
    height, width = images.shape[2:]
    if height < 3 or width < 3:
        return images
    wide = images.to(torch.int16)
    rows = wide[:, :, :-2] + wide[:, :, 1:-1] + wide[:, :, 2:]
    total = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:] + 4 * wide[:, :, 1:-1, 1:-1]
    blurred = images.clone()
    blurred[:, :, 1:-1, 1:-1] = (2 * total + 13) // 26
    return blend(blurred, images, factors)


def grey(images: torch.Tensor) -> torch.Tensor:
    """The grey levels of images, uint8 (count, 1, H, W), by Pillow's weights of red, green and blue."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.int().unbind(1)
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).to(torch.uint8).unsqueeze(1)


def autocontrast(images: torch.Tensor) -> torch.Tensor:
    """Spread the levels of each channel from 0 to 255 (`ImageOps.autocontrast`)."""
    pixels = images.flatten(2)
    low, high = (edge[..., None].double() for edge in (pixels.amin(2), pixels.amax(2)))
    scale = torch.full_like(low, 255).div_(high - low)
    levels = torch.arange(256, device=images.device).double()
    spread = levels * scale + -low * scale
    tables = torch.where(high > low, spread.clamp_(0, 255), levels)
    return looked_up(tables.to(torch.uint8), images)


def equalize(images: torch.Tensor) -> torch.Tensor:
    """Make the levels of each channel equally frequent (`ImageOps.equalize`)."""
    pixels = images.flatten(2).long()
    planes = pixels.shape[0] * pixels.shape[1]
    # In one dimension: older versions of PyTorch refuse several in deterministic mode on a GPU.
    levels_of_planes = pixels.flatten(0, 1) + 256 * torch.arange(planes, device=images.device)[:, None]
    counts = torch.zeros(planes * 256, dtype=torch.int64, device=images.device)
    counts.scatter_add_(0, levels_of_planes.flatten(), torch.ones_like(pixels).flatten())
    counts = counts.view(*pixels.shape[:2], 256)
    total = pixels.shape[2]
    most = counts.gather(2, pixels.amax(2, keepdim=True))
    step = (total - most) // 255
    below = counts.cumsum(2) - counts
    levels = torch.arange(256, device=images.device)
    tables = torch.where(step > 0, (step // 2 + below) // step.clamp(min=1), levels)
    return looked_up(tables.clamp_(max=255).to(torch.uint8), images)


def looked_up(tables: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Replace each level by an entry of a table (`Image.point`).

    Args:
        tables: uint8 (count, C, 256), or (count, 1, 256) for the same table in each channel.
        images: uint8 (count, C, H, W).
    """
    pixels = images.flatten(2).long()
    return tables.expand(-1, pixels.shape[1], -1).gather(2, pixels).view(images.shape)
