"""Which test images a trial got right: what training writes is what results read."""

import numpy as np
import pytest

from resnet_lab.results import store
from resnet_lab.results.images import TEST
from resnet_lab.training import loop
from resnet_lab.training.evaluate import Outcome, save_images


@pytest.mark.parametrize("sizes", [(5,), (8, 8, 3), ()])
def test_what_is_written_is_read(tmp_path, sizes):
    rng = np.random.default_rng(0)
    answers = [Outcome(np.zeros(n, int), rng.exponential(1, n), rng.integers(0, 3, n)) for n in sizes]
    folder = tmp_path / "trials" / ("0" * 12)
    folder.mkdir(parents=True)
    save_images(folder / loop.TEST, answers)
    found = store.test_images(tmp_path, folder.name)
    assert found.right.tolist() == [rank == 0 for answer in answers for rank in answer.ranks]
    assert found.losses == pytest.approx([loss for answer in answers for loss in answer.losses], rel=1e-6)


def test_ten_thousand_images_take_less_than_fifty_kilobytes(tmp_path):
    rng = np.random.default_rng(0)
    save_images(
        tmp_path / TEST, [Outcome(np.zeros(10_000, int), rng.exponential(1, 10_000), rng.integers(0, 2, 10_000))]
    )
    assert (tmp_path / TEST).stat().st_size < 50_000


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut off"])
def test_a_file_that_is_missing_or_damaged_gives_none(tmp_path, content):
    folder = tmp_path / "trials" / "a"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / TEST).write_bytes(content)
    assert store.test_images(tmp_path, "a") is None
