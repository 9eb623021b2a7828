"""Data of a person's own through whole trials: known to the worker, decoded by its own processes, damage counted."""

import pandas as pd
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from tests.conftest import engine_or_skip
from tests.data.writing import jpeg
from tests.sweeps.test_plan import MINE

TINY = "stem: {type: cifar, channels: 8}\nstages:\n  - {block: basic, repeat: 1, channels: 8}\nhead: {classes: 10}\n"


@pytest.fixture
def tiny(workspace):
    """A net that trains in a second, and forty-two pictures of two classes, two of which are damaged."""
    engine_or_skip("mxnet")
    (workspace / "variants" / "tiny.yaml").write_text(TINY)
    for number in range(42):
        place = workspace / "photos" / ("cat" if number % 2 else "dog") / f"{number}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(jpeg(number)[: 400 if number in (4, 11) else None])
    return workspace


def run(tiny, data, *settings):
    (tiny / "experiments" / "e.yaml").write_text(
        f"variants: [tiny]\ndatasets: [mine.py]\ndata: {data}\n"
        "train: {epochs: 2, batch_size: 8, optimizer: {lr: 0.01}}\nmeasure: false\n"
    )
    (tiny / "experiments" / "mine.py").write_text(MINE)
    return rl.run("experiments/e.yaml", settings=settings)


def test_a_dataset_of_ones_own_is_known_to_the_worker(tiny):
    table = run(tiny, "{name: stripes, width: 2}", "train.optimizer.lr=0.1")
    assert (table["status"][0], table["data"][0], table["input"][0]) == ("ok", "stripes", "3x8x8")
    assert table["test_accuracy"][0] > 0.9
    assert pd.isna(table["skipped_images"][0])


def test_damaged_pictures_are_counted_or_end_the_trial(tiny, request):
    data = "{name: imagefolder, path: ../photos, size: 16, workers: 2, damaged: skip, augment: [flip, mixup]}"
    skipping = run(tiny, data)
    assert (skipping["status"][0], skipping["skipped_images"][0]) == ("ok", 2)
    assert skipping["data"][0] == "imagefolder:photos"
    log = (tiny / "results" / "e" / "trials" / skipping["trial"][0] / "log.txt").read_text()
    assert sorted(line for line in log.splitlines() if line.startswith("left out")) == [
        f"left out a damaged image: {tiny / 'photos' / name}" for name in ("cat/11.jpg", "dog/4.jpg")
    ]
    request.getfixturevalue("trains_here")
    alone = run(tiny, data, "data.workers=0")
    assert alone["trial"][0] == skipping["trial"][0]  # which is why it has not run again
    again = rl.run("experiments/e.yaml", settings=["data.workers=0"], results="other")
    assert again["train_loss"][0] == skipping["train_loss"][0]
    assert again["test_loss"][0] == skipping["test_loss"][0]
    refusing = run(tiny, data, "data.damaged=refuse")
    assert refusing["status"][0] == "failed"
    assert "cannot be decoded" in refusing["reason"][0]
    assert "'damaged: skip' in 'data' leaves damaged pictures out" in refusing["reason"][0]


PHOTOS = "{name: imagefolder, path: ../photos, size: 16, damaged: skip, workers: WORKERS}"


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.usefixtures("trains_here")
def test_a_part_whose_every_picture_is_damaged_fails_the_trial(tiny, part, workers):
    """`damaged: skip` leaves single pictures out; with none left there is nothing to train or to test on."""
    (tiny / "photos").rename(tiny / "all")
    for name in ("train", "test"):
        for path in (tiny / "all").rglob("*.jpg"):
            place = tiny / "photos" / name / path.parent.name / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"no picture" if name == part else jpeg(int(path.stem)))
    table = run(tiny, PHOTOS.replace("WORKERS", str(workers)))
    assert table["status"][0] == "failed"
    assert "none of the 42 pictures can be decoded" in table["reason"][0]
    assert f"photos/{part}" in table["reason"][0]
    assert "test_accuracy" not in table or pd.isna(table["test_accuracy"][0])


OWN = """
import numpy as np
from resnet_lab.data import Dataset, Facts, Split, dataset


def facts():
    return Facts(({channels}, 8, 8), {classes}, {count})


@dataset("own", {registered})
def own():
    split = Split(np.zeros((64, 1, 8, 8), np.uint8), np.arange(64, dtype=np.int32) % 2)
    return Dataset("own", ("a", "b"), split, split.take(np.arange({tests})), (0.5,), (0.5,))
"""
TRUE = {"channels": 1, "classes": 2, "count": 64, "tests": 64}


def own(tiny, how="fixed", settings=(), **changes):
    """A dataset of one's own of 64 grey pictures in two classes, which may state other things of itself."""
    values = TRUE | changes
    fixed = "shape=({channels}, 8, 8), classes={classes}, count={count}".format(**values)
    code = OWN.format(**values, registered=fixed if how == "fixed" else "facts=facts")
    (tiny / "experiments" / "e.yaml").write_text(
        "variants: [tiny]\ndatasets: [own.py]\ndata: {name: own}\n"
        "train: {epochs: 1, batch_size: 8, optimizer: {lr: 0.01}}\nmeasure: false\n"
    )
    (tiny / "experiments" / "own.py").write_text(code)
    return rl.run("experiments/e.yaml", settings=settings)


@pytest.mark.parametrize("how", ["fixed", "facts"])
@pytest.mark.usefixtures("trains_here")
def test_a_dataset_that_is_not_what_it_declares_is_refused_and_both_are_named(tiny, how):
    cases = [
        ({"channels": 3}, "images of 3x8x8, but images of 1x8x8 were read"),
        ({"classes": 3}, "3 classes, but 2 classes were read"),
        ({"count": 60}, "60 images to train on, but 64 images were read"),
    ]
    for change, told in cases:
        with pytest.raises(LabError, match=f"dataset 'own' declares {told}"):
            own(tiny, how, **change)
    assert own(tiny, how)["status"][0] == "ok"


def test_an_empty_test_set_is_refused(tiny):
    with pytest.raises(LabError, match="dataset 'own' has no images to test on"):
        own(tiny, tests=0)


@pytest.mark.usefixtures("trains_here")
def test_fewer_images_than_a_batch_are_refused_also_where_their_number_is_not_known_before(tiny):
    table = own(tiny, "facts", ["train.batch_size=65"], count=None)
    assert table["status"][0] == "failed"
    assert "a batch has 65 images, but there are only 64 to train on" in table["reason"][0]
