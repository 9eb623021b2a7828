"""Photos as a network sees them: every kind of file, and the same pixels as Gluon-CV's."""

import io

import numpy as np
import pytest
from PIL import Image

from resnet_lab import LabError
from resnet_lab.data.dataset import IMAGENET_MEAN, IMAGENET_STD
from resnet_lab.data.formats import picture
from tests.conftest import engine_or_skip, gluoncv

RAMP = np.linspace(0, 255, 40 * 60).reshape(40, 60).astype(np.uint8)
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=2)


def save(path, image, **settings):
    image.save(path, **settings)
    return path


def near(image, wanted, levels=6):
    return np.abs(np.asarray(image).astype(float) - wanted).mean() < levels


def test_kinds_of_files(tmp_path):
    colour, grey = Image.fromarray(COLOUR), Image.fromarray(RAMP)
    rgba = Image.fromarray(np.dstack([COLOUR, np.full_like(RAMP, 10)]))
    sixteen = Image.fromarray(RAMP.astype(np.uint16) * 257)
    expected = {
        save(tmp_path / "a.jpg", colour, quality=95): COLOUR,
        save(tmp_path / "b.png", colour): COLOUR,
        save(tmp_path / "c.png", grey): np.dstack([RAMP] * 3),
        save(tmp_path / "d.png", rgba): COLOUR,
        save(tmp_path / "e.png", colour.quantize(64)): COLOUR,
        save(tmp_path / "f.png", sixteen): np.dstack([RAMP] * 3),
        save(tmp_path / "g.webp", colour, lossless=True): COLOUR,
        save(tmp_path / "h.jpg", grey, quality=95): np.dstack([RAMP] * 3),
        save(tmp_path / "i.png", Image.fromarray(np.dstack([RAMP, RAMP]), "LA")): np.dstack([RAMP] * 3),
    }
    for path, wanted in expected.items():
        read = picture.read(path)
        assert read.mode == "RGB"
        assert near(read, wanted), path.name
    assert picture.find([tmp_path]) == sorted(expected)
    assert near(picture.read(tmp_path / "f.png", channels=1), RAMP, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # what turns it back is a quarter to the right
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = Image.fromarray(COLOUR)
    stored = upright.transpose(turns[orientation]) if orientation in turns else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = picture.read(save(tmp_path / "a.jpg", stored, exif=exif, quality=95))
    assert near(read, COLOUR)


@pytest.mark.parametrize("content", [b"", b"no picture", "half a jpeg", "half a png"])
def test_damage_is_told(tmp_path, content):
    path = tmp_path / "a.jpg"
    if isinstance(content, str):
        whole = io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(whole, content[7:])
        content = whole.getvalue()[: len(whole.getvalue()) // 2]
    path.write_bytes(content)
    with pytest.raises(LabError, match="a.jpg: cannot be read as a picture"):
        picture.read(path)


def test_more_than_sixteen_bits_are_refused(tmp_path):
    Image.fromarray(RAMP.astype(np.float32) / 255).save(tmp_path / "a.tif")
    Image.fromarray(RAMP.astype(np.int32) * 1000).save(tmp_path / "b.tif")
    for name, told in (("a.tif", "it holds fractions"), ("b.tif", "it holds more than 16 bits")):
        with pytest.raises(LabError, match=f"{name}: cannot be read as a picture: {told}"):
            picture.read(tmp_path / name)


@pytest.mark.parametrize(("width", "height"), [(60, 40), (40, 60), (41, 41), (300, 24)])
def test_the_centre_is_cut(width, height):
    plane = np.add.outer(np.zeros(height), np.arange(width)) * 255 / width
    image = Image.fromarray(np.dstack([plane] * 3).astype(np.uint8))
    for antialias in (False, True):
        cut = picture.prepare(image, 32, 24, antialias=antialias)
        assert cut.shape == (3, 24, 24)
        assert cut.dtype == np.uint8
        assert abs(cut.mean() - plane.mean()) < 4
    with pytest.raises(LabError, match="a crop of 33 pixels cannot be cut from a picture resized to 32"):
        picture.prepare(image, 32, 33)


def test_pixels_are_gluon_cvs(shared_data):
    """transform_eval: the mean of each photo, and even of the absolute differences, within 2 grey levels."""
    engine_or_skip("mxnet")
    gluoncv()
    import mxnet as mx
    from gluoncv.data.transforms.presets.imagenet import transform_eval

    mean, std = (np.array(v).reshape(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    photos = picture.find([shared_data / "photos"])
    assert len(photos) == 11
    for path in photos:
        theirs = (transform_eval(mx.image.imread(str(path))).asnumpy()[0] * std + mean) * 255
        ours = picture.prepare(picture.read(path)).astype(float)
        assert abs(ours.mean() - theirs.mean()) < 2
        assert np.abs(ours - theirs).mean() < 1


def test_paths_that_mean_nothing(tmp_path):
    with pytest.raises(LabError, match="there is no picture in it"):
        picture.find([tmp_path])
    with pytest.raises(LabError, match="there is no such picture or folder"):
        picture.find([tmp_path / "absent.jpg"])
