"""The decoder `fast`: simplejpeg and OpenCV, or Pillow for what they do not read."""

import io

import numpy as np
import pytest
from PIL import Image

from resnet_lab import LabError
from resnet_lab.data.formats.decode import chosen_decoder
from resnet_lab.data.formats.decoders import fast
from resnet_lab.data.formats.decoders.pillow import by_pillow
from tests.data.writing import jpeg


def decoded(function, content, size, box=None):
    out = np.full((size, size, 3), 77, np.uint8)
    function(content, box, out)
    return out


def libraries():
    pytest.importorskip("simplejpeg")
    return pytest.importorskip("cv2")


def test_a_jpeg_of_the_right_size_has_pillows_pixels():
    libraries()
    content = jpeg(1, 40, 40)
    assert np.array_equal(decoded(fast.fast, content, 40), decoded(by_pillow, content, 40))


def test_a_part_is_resized_by_opencv():
    cv2 = libraries()
    content = jpeg(1, 60, 45)
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    expected = cv2.resize(np.ascontiguousarray(pixels[3:39, 5:41]), (24, 24), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(decoded(fast.fast, content, 24, lambda width, height: (5, 3, 41, 39)), expected)


def test_other_formats_have_pillows_pixels():
    libraries()
    stream = io.BytesIO()
    Image.open(io.BytesIO(jpeg(1))).save(stream, "PNG")
    assert np.array_equal(decoded(fast.fast, stream.getvalue(), 24), decoded(by_pillow, stream.getvalue(), 24))


def test_auto_means_fast_where_its_libraries_are_installed():
    libraries()
    assert chosen_decoder("auto") == chosen_decoder("fast") == "fast"


def test_a_decoder_that_is_not_installed_is_refused(monkeypatch):
    def missing():
        raise ImportError("No module named 'simplejpeg'")

    monkeypatch.setattr(fast, "_libraries", missing)
    with pytest.raises(LabError, match=r"'fast' cannot be used \(No module named 'simplejpeg'\): pip install"):
        chosen_decoder("fast")
    assert chosen_decoder("pillow") == "pillow"
    assert chosen_decoder("auto") == "pillow"
    with pytest.raises(LabError, match="unknown decoder 'pilow'; did you mean 'pillow'?"):
        chosen_decoder("pilow")
