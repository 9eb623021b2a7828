"""The decoder `pillow`: Pillow's own pixels; test_decode.py holds what all decoders have in common."""

import io

import numpy as np
import pytest
from PIL import Image

from resnet_lab.data.formats.decode import Undecodable
from resnet_lab.data.formats.decoders.pillow import by_pillow
from tests.data.writing import jpeg


def decoded(content, size, box=None):
    out = np.full((size, size, 3), 77, np.uint8)
    by_pillow(content, box, out)
    return out


def test_the_part_is_resized_by_pillows_bilinear_filter():
    content, box = jpeg(1, 60, 45), (5, 3, 41, 39)
    whole = Image.open(io.BytesIO(content))
    expected = np.asarray(whole.resize((24, 24), Image.Resampling.BILINEAR, box=box))
    assert np.array_equal(decoded(content, 24, lambda width, height: box), expected)


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size():
    """At an eighth here: libjpeg's own reduction comes before Pillow's filter."""
    content = jpeg(2, 800, 800)
    small = Image.open(io.BytesIO(content))
    small.draft("RGB", (100, 100))
    assert small.size == (100, 100)
    expected = np.asarray(small.resize((64, 64), Image.Resampling.BILINEAR))
    assert np.array_equal(decoded(content, 64), expected)


def test_the_message_for_a_file_that_is_no_picture_holds_no_address():
    with pytest.raises(Undecodable, match="^it is no picture$"):
        decoded(b"no picture at all", 8)


def test_a_picture_of_more_pixels_than_pillow_allows_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(Undecodable, match="exceeds limit"):
        decoded(jpeg(1, 60, 45), 8)
