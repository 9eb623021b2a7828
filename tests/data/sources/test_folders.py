"""Folders of class folders: what is in them, and which are refused."""

import tarfile

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data.formats import picture
from tests.data.writing import jpeg

RNG = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path):
    """Two classes of ten pictures, one of another format, in `photos/`."""
    from PIL import Image

    for number in range(20):
        place = tmp_path / "photos" / ("cat" if number < 10 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.JPG").write_bytes(jpeg(number))
    Image.fromarray(RNG.integers(0, 256, (20, 30)).astype(np.uint8)).save(tmp_path / "photos" / "dog" / "grey.png")
    (tmp_path / "photos" / "dog" / "notes.txt").write_text("no picture")
    (tmp_path / "photos" / ".git").mkdir()
    return tmp_path / "photos"


def test_any_folder_of_class_folders_is_a_dataset(folder):
    found = data.load("imagefolder", size=16, options={"path": str(folder)})
    assert found.classes == ("cat", "dog")
    assert (found.shape, len(found.train), len(found.test)) == ((3, 16, 16), 17, 4)
    assert np.bincount(found.test.labels).tolist() == [2, 2]
    assert not set(found.train.items.names) & set(found.test.items.names)
    again = data.load("imagefolder", size=16, seed=9, options={"path": str(folder)})
    assert again.test.items.names == found.test.items.names
    facts = data.DATASETS.get("imagefolder").facts({"path": str(folder)})
    assert (facts.shape, facts.classes, facts.count) == ((3, None, None), 2, 17)
    for split in (found.train, found.test):
        for images, _ in data.EvaluationBatches(split, 5, found.mean, found.std):
            assert np.isfinite(images).all()


def test_a_folder_with_its_own_test_pictures_and_an_archive_of_it(folder, tmp_path):
    (tmp_path / "whole").mkdir()
    folder.rename(tmp_path / "whole" / "train")
    for name in ("cat", "dog"):
        (tmp_path / "whole" / "val" / name).mkdir(parents=True)
        (tmp_path / "whole" / "val" / name / "x.jpg").write_bytes(jpeg(99))
    with tarfile.open(tmp_path / "photos.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "whole", "photos")
    for path in (tmp_path / "whole", tmp_path / "photos.tar.gz"):
        found = data.load("imagefolder", size=16, validation=0.1, options={"path": str(path)})
        assert (len(found.train), len(found.validation), len(found.test)) == (19, 2, 2)
    (tmp_path / "whole" / "val" / "dog").rename(tmp_path / "whole" / "val" / "dgo")
    with pytest.raises(LabError, match="train and val do not have the same classes: dgo, dog"):
        data.load("imagefolder", size=16, options={"path": str(tmp_path / "whole")})


def test_what_a_folder_must_not_be(folder, tmp_path):
    def load(path=folder, **options):
        return data.load("imagefolder", size=16, options={"path": str(path), **options})

    with pytest.raises(LabError, match="there is no '.*nowhere', neither from"):
        load(tmp_path / "nowhere")
    with pytest.raises(LabError, match=r"cat: holds 0 class folder\(s\), where two or more"):
        load(folder / "cat")
    with pytest.raises(LabError, match="is no folder"):
        load(folder / "cat" / "0.JPG")
    with pytest.raises(LabError, match="'test' of dataset 'imagefolder' is 1.5: it should be above 0"):
        load(test=1.5)
    with pytest.raises(LabError, match=r"unknown option of dataset 'imagefolder': 'tset'; did you mean 'test'"):
        load(tset=0.5)
    with pytest.raises(LabError, match=r"unknown decoder 'cv2' \(known: fast, pillow\)"):
        load(decoder="cv2")
    with pytest.raises(LabError, match="dataset 'imagefolder' needs the option 'path'"):
        data.load("imagefolder", size=16)
    with pytest.raises(LabError, match="must be resized: set 'size'"):
        _ = data.load("imagefolder", options={"path": str(folder)}).shape
    (folder / "bird").mkdir()
    with pytest.raises(LabError, match=r"photos/bird: the class 'bird' is empty: no picture \(\.jpg"):
        load()


@pytest.mark.parametrize("suffix", picture.SUFFIXES)
def test_a_class_folder_holds_the_kinds_of_pictures_that_predict_takes(folder, suffix):
    from PIL import Image

    image = Image.fromarray(np.zeros((8, 8), np.uint8))
    image.save(folder / "cat" / f"extra{suffix.upper()}")
    assert picture.find([folder / "cat"])[-1].name == f"extra{suffix.upper()}"
    found = data.load("imagefolder", size=8, options={"path": str(folder)})
    assert f"cat/extra{suffix.upper()}" in {*found.train.items.names, *found.test.items.names}
    assert {".ppm", ".pgm", ".webp", ".jpg"} <= set(picture.SUFFIXES)
