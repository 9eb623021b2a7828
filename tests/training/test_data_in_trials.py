"""Data of a person's own through whole trials: known to the worker, decoded by its own processes, damage counted."""

import pandas as pd
import pytest

import resnet_lab as rl
from tests.conftest import engine_or_skip
from tests.data.test_stream import jpeg
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


def test_damaged_pictures_are_counted_or_end_the_trial(tiny):
    data = "{name: imagefolder, path: ../photos, size: 16, workers: 2, damaged: skip, augment: [flip, mixup]}"
    skipping = run(tiny, data)
    assert (skipping["status"][0], skipping["skipped_images"][0]) == ("ok", 2)
    assert skipping["data"][0] == "imagefolder:photos"
    log = (tiny / "results" / "e" / "trials" / skipping["trial"][0] / "log.txt").read_text()
    assert sorted(line for line in log.splitlines() if line.startswith("damaged")) == [
        f"damaged, left out: {tiny / 'photos' / name}" for name in ("cat/11.jpg", "dog/4.jpg")
    ]
    alone = run(tiny, data, "data.workers=0")
    assert alone["trial"][0] == skipping["trial"][0]  # which is why it has not run again
    again = rl.run("experiments/e.yaml", settings=["data.workers=0"], results="other")
    assert again["train_loss"][0] == skipping["train_loss"][0]
    assert again["test_loss"][0] == skipping["test_loss"][0]
    refusing = run(tiny, data, "data.damaged=refuse")
    assert refusing["status"][0] == "failed"
    assert "cannot be decoded" in refusing["reason"][0]
    assert "'damaged: skip' in 'data' leaves such out" in refusing["reason"][0]
