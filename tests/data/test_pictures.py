"""Pictures in memory, and encoded pictures on the disk that are decoded when they are needed."""

import pickle

import numpy as np
import pytest
from PIL import Image

from resnet_lab import LabError, data
from resnet_lab.data.formats.decode import Undecodable
from resnet_lab.data.pipeline.pictures import Files, InMemory, OnDisk, Records
from tests.data.writing import jpeg, record


def test_resize_is_pillows_bilinear():
    split = data.load("digits").train
    few = InMemory(split.images[:3], split.labels[:3])
    for plane, ours in zip(few.images[:, 0], few.resized(20).images[:, 0], strict=True):
        assert np.array_equal(np.asarray(Image.fromarray(plane).resize((20, 20), Image.Resampling.BILINEAR)), ours)


def test_grey_images_in_three_channels_share_their_memory_and_are_resized_alike():
    grey = InMemory(np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8)).astype(np.uint8), np.arange(3))
    assert np.shares_memory(grey.rgb().images, grey.images)
    larger = grey.rgb().resized(12)
    assert larger.shape == (3, 12, 12)
    assert np.array_equal(larger.images, grey.resized(12).rgb().images)
    assert grey.resized(8) is grey


def on_disk(folder, count=4) -> OnDisk:
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(jpeg(number, 40, 30))
    files = Files(folder, tuple(f"{number}.jpg" for number in range(count)))
    return OnDisk(files, np.arange(count, dtype=np.int32), np.arange(count))


def test_pictures_that_are_taken_keep_their_labels_and_names(tmp_path):
    taken = on_disk(tmp_path).resized(16).take(np.array([3, 1]))
    assert (len(taken), taken.labels.tolist()) == (2, [3, 1])
    assert taken.name(0) == str(tmp_path / "3.jpg")
    pixels = [np.empty((16, 16, 3), np.uint8) for _ in range(2)]
    taken.fill(0, pixels[0])
    on_disk(tmp_path).resized(16).fill(3, pixels[1])
    assert np.array_equal(*pixels)


def test_the_central_share_is_shown_where_no_part_is_given(tmp_path):
    pictures = on_disk(tmp_path, 1).resized(16)
    central, whole, given = (np.empty((16, 16, 3), np.uint8) for _ in range(3))
    pictures.fill(0, central)
    pictures.fill(0, whole, lambda width, height: (0, 0, width, height))
    side = 30 * pictures.crop
    pictures.fill(0, given, lambda w, h: ((w - side) / 2, (h - side) / 2, (w + side) / 2, (h + side) / 2))
    assert np.array_equal(central, given)
    assert not np.array_equal(central, whole)


def test_pictures_of_any_size_have_no_shape_before_they_are_resized(tmp_path):
    with pytest.raises(LabError, match="must be resized: set 'size' in 'data'"):
        _ = on_disk(tmp_path).shape
    assert on_disk(tmp_path).resized(16).shape == (3, 16, 16)


def test_a_damaged_picture_and_a_missing_one_are_named(tmp_path):
    pictures, out = on_disk(tmp_path).resized(16), np.empty((16, 16, 3), np.uint8)
    (tmp_path / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(Undecodable, match=r"1\.jpg cannot be decoded: it is no picture"):
        pictures.fill(1, out)
    (tmp_path / "2.jpg").unlink()
    with pytest.raises(LabError, match=r"2\.jpg: cannot be read: No such file"):
        pictures.fill(2, out)


def test_records_are_opened_anew_in_another_process(tmp_path):
    """An open file does not go into the pickle."""
    (tmp_path / "a.rec").write_bytes(record(jpeg(0), 1) + record(jpeg(1), 2))
    records = Records(tmp_path / "a.rec")
    assert (len(records), bytes(records.read(1))) == (2, jpeg(1))
    again = pickle.loads(pickle.dumps(records))
    assert (len(again), bytes(again.read(0))) == (2, jpeg(0))
    assert again.name(1) == f"{tmp_path / 'a.rec'}, record 1"
