"""The dataset of an experiment: its facts, and that a trial's id follows the content of the files that it names."""

import shutil
import tarfile

import numpy as np
import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.plan import plan
from tests.data.writing import jpeg, record

TEXT = """
variants: [cifar_resnet20]
data: DATA
train: {epochs: 2, batch_size: 8, optimizer: {lr: 0.1}}
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def ids(workspace):
    """`ids("{name: digits}")` gives the ids of the trials of an experiment with this `data`."""

    def of(data: str, *, extra: str = "", settings: tuple[str, ...] = ()) -> list[str]:
        (workspace / "experiments" / "e.yaml").write_text(extra + TEXT.replace("DATA", data))
        return [trial.id for trial in plan(load("experiments/e.yaml", settings)).trials]

    return of


def photos(place, seed=0):
    """Two classes of ten pictures each; another seed gives other pictures of the same names."""
    for number in range(20):
        path = place / ("cat" if number < 10 else "dog") / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(number + seed, 16, 16))
    return place


def records(place, seed=0):
    """A pair of .rec files with their .idx."""
    place.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 12), ("test", 4)):
        content, index = b"", ""
        for number in range(count):
            index += f"{number}\t{len(content)}\n"
            content += record(bytes([seed + number]) * 40, number % 2)
        (place / f"{name}.rec").write_bytes(content)
        (place / f"{name}.idx").write_text(index)
    return place


def archive(place, seed=0):
    """`photos` as an archive."""
    place.mkdir(parents=True, exist_ok=True)
    photos(place / "unpacked", seed)
    with tarfile.open(place / "photos.tar", "w") as tar:
        tar.add(place / "unpacked", "photos")
    shutil.rmtree(place / "unpacked")
    return place


def arrays(place, seed=0):
    """A .npz file."""
    place.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(seed).integers(0, 256, (20, 8, 8)).astype(np.uint8)
    labels = np.arange(20) % 2
    np.savez(place / "a.npz", x_train=images[:16], y_train=labels[:16], x_test=images[16:], y_test=labels[16:])
    return place


def numbers(place, seed=0):
    """A folder of a person's own dataset."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "deeper").mkdir(exist_ok=True)
    (place / "deeper" / "values.bin").write_bytes(bytes([seed] * 64))
    return place


MINE = """
from pathlib import Path
import numpy as np
from resnet_lab.data import Dataset, Split, dataset

@dataset("mine", shape=(1, 8, 8), classes=2, count=16)
def mine(place: Path, version: str = "v0"):
    images = np.zeros((16, 1, 8, 8), np.uint8) + (place / "deeper" / "values.bin").read_bytes()[0]
    split = Split(images.astype(np.uint8), np.arange(16, dtype=np.int32) % 2)
    return Dataset("mine", ("a", "b"), split, split, (0.5,), (0.5,))
"""

SOURCES = {
    "imagefolder": (photos, "{name: imagefolder, path: ../PLACE, size: 16}"),
    "archive": (archive, "{name: imagefolder, path: ../PLACE/photos.tar, size: 16}"),
    "recordio": (records, "{name: recordio, path: ../PLACE/train.rec, test: ../PLACE/test.rec, classes: 2, size: 16}"),
    "arrays": (arrays, "{name: arrays, path: ../PLACE/a.npz}"),
    "own": (numbers, "{name: mine, place: ../PLACE}"),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_an_id_follows_the_content_of_the_files_and_not_their_place(workspace, ids, kind):
    """Same content elsewhere: the same id. Other content under the same names, as long in bytes: another id."""
    make, text = SOURCES[kind]
    (workspace / "experiments" / "mine.py").write_text(MINE)
    extra = "datasets: [mine.py]\n" if kind == "own" else ""
    for name, seed in (("first", 0), ("same", 0), ("other", 50)):
        make(workspace / name, seed)
    first, same, other = (ids(text.replace("PLACE", name), extra=extra) for name in ("first", "same", "other"))
    assert first == same
    assert first != other
    make(workspace / "first", 50)
    assert ids(text.replace("PLACE", "first"), extra=extra) == other


def test_an_archive_and_the_folder_in_it_are_the_same_data(workspace, ids):
    photos(workspace / "a")
    archive(workspace / "b")
    folder = ids("{name: imagefolder, path: ../a, size: 16}")
    assert ids("{name: imagefolder, path: ../b/photos.tar, size: 16}") == folder
    (workspace / "a" / "notes.txt").write_text("which is no picture")
    assert ids("{name: imagefolder, path: ../a, size: 16}") == folder


def test_training_and_test_files_that_change_places_are_other_data(workspace, ids):
    records(workspace / "r")
    text = "{name: recordio, path: ../r/PATH.rec, test: ../r/TEST.rec, classes: 2, size: 16}"
    both = [
        ids(text.replace("PATH", a).replace("TEST", b), settings=("train.batch_size=2",))
        for a, b in (("train", "test"), ("test", "train"))
    ]
    assert both[0] != both[1]


def test_a_swept_option_of_a_dataset_makes_a_trial_for_each_value(workspace, ids):
    """Values that look like paths or hold dots are values like any other."""
    (workspace / "experiments" / "mine.py").write_text(MINE)
    numbers(workspace / "place")
    found = ids(
        "{name: mine, place: ../place}", extra="datasets: [mine.py]\ngrid: {data.version: [v1.0, v2.0, a/b, v1.0.0]}\n"
    )
    assert len(set(found)) == len(found) == 4


def test_a_swept_file_makes_a_trial_for_each_content(workspace, ids):
    (workspace / "experiments" / "mine.py").write_text(MINE)
    for name, seed in (("a", 0), ("b", 1), ("c", 0)):
        numbers(workspace / name, seed)
    found = ids("{name: mine, place: ../a}", extra="datasets: [mine.py]\ngrid: {data.place: [../a, ../b, ../c]}\n")
    assert len(found) == 2  # the third is the first again


def test_a_file_option_that_names_nothing_is_refused_at_its_line(workspace, ids):
    (workspace / "experiments" / "mine.py").write_text(MINE)
    with pytest.raises(LabError, match=r"e\.yaml:4: there is no 'nowhere', neither from"):
        ids("{name: mine,\n  place: nowhere}", extra="datasets: [mine.py]")


def test_an_unknown_decoder_is_refused_at_its_line(workspace, ids):
    photos(workspace / "a")
    with pytest.raises(LabError, match=r"e\.yaml:5: unknown decoder 'fats'; did you mean 'fast'\?"):
        ids("{name: imagefolder, path: ../a,\n  size: 16,\n  decoder: fats}")


def test_a_dataset_that_was_typed_into_a_session_cannot_go_to_another_process(ids):
    code = "from resnet_lab.data import dataset\n\n@dataset('typed', shape=(1, 8, 8), classes=2)\ndef typed(): ..."
    exec(compile(code, "<input 1>", "exec", dont_inherit=True), {"__name__": "__main__"})
    with pytest.raises(LabError, match=r"e.yaml:\d+: dataset 'typed' is known to this session only"):
        ids("{name: typed}")
