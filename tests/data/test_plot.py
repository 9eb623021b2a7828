"""The grid of pictures before and after augmentation."""

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data import plot
from resnet_lab.data.dataset import Dataset
from resnet_lab.specs.augment import NO_AUGMENTATION, AugmentSpec

figure = pytest.importorskip("matplotlib.figure")


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """`drawn(dataset, augment, count)` gives (title, pixels) of each picture in the grid, row after row."""

    def call(dataset, augment=NO_AUGMENTATION, count=3, seed=0):
        kept = []
        save = figure.Figure.savefig
        monkeypatch.setattr(
            figure.Figure, "savefig", lambda self, *words, **options: (kept.append(self), save(self, *words, **options))
        )
        plot.grid(dataset, augment, count, seed, tmp_path / "grid.png")
        assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")
        shown = [axis for axis in kept[0].axes if axis.images]
        return [(axis.get_title(), np.asarray(axis.images[0].get_array())) for axis in shown]

    return call


def colours(count=12) -> Dataset:
    """Pictures of one colour each, whose red value is their label times 20."""
    images = np.zeros((count, 3, 6, 6), np.uint8)
    images[:, 0] = 20 * np.arange(count)[:, None, None]
    split = data.InMemory(images, np.arange(count, dtype=np.int32))
    return Dataset("c", tuple(f"c{n}" for n in range(count)), split, split, (0.2, 0.3, 0.4), (0.5, 0.6, 0.7))


def test_pictures_have_their_colours_and_the_names_of_their_classes(drawn):
    """Without augmentation the lower row is the upper row, and the normalisation is undone."""
    shown = drawn(colours())
    assert len(shown) == 6
    for (title, before), (same, after) in zip(shown[:3], shown[3:], strict=True):
        assert title == same
        assert np.array_equal(before, after)
        assert np.allclose(before, [20 * int(title[1:]) / 255, 0, 0], atol=1e-6)


def test_a_mixed_picture_names_both_classes_with_their_shares(drawn):
    shown = drawn(colours(), AugmentSpec(mixup=1.0), count=4)
    for (title, _), (mixed, pixels) in zip(shown[:4], shown[4:], strict=True):
        shares = {name: float(share) for share, name in (part.split() for part in mixed.split(" + "))}
        assert title in shares
        assert sum(shares.values()) == pytest.approx(1, abs=0.011)
        red = sum(share * 20 * int(name[1:]) for name, share in shares.items())
        assert pixels[..., 0].mean() * 255 == pytest.approx(red, abs=3)


def test_a_dataset_of_fewer_pictures_and_of_grey_ones_is_drawn(drawn):
    images = np.full((2, 1, 6, 6), 51, np.uint8)
    split = data.InMemory(images, np.array([0, 1], np.int32))
    shown = drawn(Dataset("g", ("a", "b"), split, split, (0.5,), (0.25,)), count=20)
    assert [pixels.shape for _, pixels in shown] == [(6, 6)] * 4
    assert all(np.allclose(pixels, 0.2, atol=1e-6) for _, pixels in shown)


def test_a_file_that_cannot_be_drawn_is_named(tmp_path):
    with pytest.raises(LabError, match=r"grid\.nothing: cannot be drawn"):
        plot.grid(colours(), NO_AUGMENTATION, 2, 0, tmp_path / "grid.nothing")
    with pytest.raises(LabError, match="cannot be drawn"):
        plot.grid(colours(), NO_AUGMENTATION, 2, 0, tmp_path / "nowhere" / "grid.png")
