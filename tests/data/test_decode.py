"""Pictures of every kind, by both decoders: the right part, the right colours, damage refused."""

import io

import numpy as np
import pytest
from PIL import Image

from resnet_lab.data.formats.decode import DECODERS, Undecodable, central
from tests.data.writing import jpeg


@pytest.fixture(params=sorted(DECODERS.entries))
def decode(request):
    """`decode(content, size, box)` gives uint8 (size, size, 3)."""
    if request.param == "fast":
        pytest.importorskip("simplejpeg")
        pytest.importorskip("cv2")

    def call(content, size, box=None):
        out = np.full((size, size, 3), 77, np.uint8)
        DECODERS.get(request.param).function(content, box, out)
        return out

    return call


def encoded(pixels, kind="JPEG", **settings):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **settings)
    return stream.getvalue()


def test_a_picture_of_the_right_size_is_every_pixel_of_it(decode):
    content = jpeg(1, 48, 48)
    expected = np.asarray(Image.open(io.BytesIO(content)))
    assert np.array_equal(decode(content, 48), expected)
    assert np.array_equal(decode(memoryview(content), 48), expected)


@pytest.mark.parametrize(("width", "height"), [(30, 48), (48, 30), (200, 90), (900, 700), (20, 20)])
def test_the_part_that_is_asked_for_is_shown(decode, width, height):
    """A picture whose red grows to the right and whose green grows downwards tells where each pixel is from."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    content = encoded(np.stack([x, y, np.full_like(x, 90)], -1).round().astype(np.uint8), quality=95)
    for box in (None, lambda w, h: central(w, h, 0.5), lambda w, h: (0, h // 2, w // 2, h)):
        left, top, right, bottom = (box or central)(width, height)
        found = decode(content, 16, box).astype(int)
        columns = (left + (np.arange(16) + 0.5) * (right - left) / 16) / width * 255
        rows = (top + (np.arange(16) + 0.5) * (bottom - top) / 16) / height * 255
        tolerance = 8 + 255 / min(width, height)  # chroma has half the pixels
        assert np.abs(found[..., 0] - columns).max() < tolerance
        assert np.abs(found[..., 1] - rows[:, None]).max() < tolerance
        assert np.abs(found[..., 2] - 90).max() < 8


def test_grey_pictures_palettes_and_transparency_become_rgb(decode):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.abs(decode(encoded(grey, quality=95), 16).astype(int) - grey[..., None]).max() < 8
    for kind in ("PNG", "BMP"):
        assert np.array_equal(decode(encoded(grey, kind), 16), np.repeat(grey[..., None], 3, 2))
    colours = np.random.default_rng(0).integers(0, 256, (16, 16, 4)).astype(np.uint8)
    assert np.array_equal(decode(encoded(colours, "PNG"), 16), colours[..., :3])
    cmyk = io.BytesIO()
    Image.fromarray(np.repeat(grey[..., None], 3, 2)).convert("CMYK").save(cmyk, "JPEG")
    assert np.abs(decode(cmyk.getvalue(), 16).astype(int) - grey[..., None]).max() < 12


@pytest.mark.parametrize("size", [24, 60])
def test_damage_is_refused(decode, size):
    whole = jpeg(3, 60, 60)
    for content in (whole[: len(whole) // 2], whole[:-300], whole[:100], b"", b"GIF89a", b"\xff\xd8" + bytes(500)):
        with pytest.raises(Undecodable):
            decode(content, size)
