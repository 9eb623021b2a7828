"""`pillow`: Pillow decodes and resizes pictures, with the same pixels on every machine."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from ..decode import Box, Content, Undecodable, central, decoder, reduction


@decoder("pillow")
def by_pillow(content: Content, box: Box | None, out: NDArray[np.uint8]) -> None:
    """Decode with Pillow, and resize with its bilinear filter, which averages pixels when it shrinks a picture."""
    from PIL import Image

    size = len(out)
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
            part = (box or central)(width, height)
            factor = reduction(part, size)
            if factor > 1:
                image.draft("RGB", (width // factor, height // factor))
            rgb = image if image.mode == "RGB" else image.convert("RGB")
            if rgb.size != (size, size) or part != (0, 0, width, height):
                x, y = rgb.size[0] / width, rgb.size[1] / height
                scaled = (part[0] * x, part[1] * y, min(part[2] * x, rgb.size[0]), min(part[3] * y, rgb.size[1]))
                rgb = rgb.resize((size, size), Image.Resampling.BILINEAR, box=scaled)
            out[:] = np.asarray(rgb)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # For a file that is no picture, Pillow's own message contains the address of a buffer in memory.
        raise Undecodable("it is no picture" if "cannot identify" in str(error) else str(error)) from None
