"""Arrays from a .npz file in every layout, and random images of any size."""

import numpy as np
import pytest

from resnet_lab import LabError, data

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("layout", ["grey", "last", "first"])
def test_arrays_of_ones_own(tmp_path, layout):
    images = RNG.integers(0, 256, (6, 3, 8, 8)).astype(np.uint8)
    stored = {"grey": images[:, 0], "last": images.transpose(0, 2, 3, 1), "first": images}[layout]
    np.savez(
        tmp_path / "a.npz",
        x_train=stored[:4], y_train=np.array([[0], [1], [2], [1]]), x_test=stored[4:], y_test=np.array([0, 2]),
        classes=np.array(["a", "b", "c"]),
    )  # fmt: skip
    found = data.load("arrays", options={"path": str(tmp_path / "a.npz")})
    assert (found.classes, found.train.labels.tolist()) == (("a", "b", "c"), [0, 1, 2, 1])
    assert np.array_equal(found.test.images, images[4:, :1] if layout == "grey" else images[4:])


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": np.zeros(3)}, "holds x, where train_images, train_labels, test_images, test_labels were expected"),
        ({"x_train": np.zeros((4, 8, 8))}, r"'x_train' is float64 \(4, 8, 8\), where uint8"),
        ({"y_train": np.zeros(3, int)}, r"'y_train' is int64 \(3,\), where 4 whole numbers were expected"),
        ({"y_test": np.array([0, 9])}, "'arrays', test: the label 9 of item 1 is outside the classes, 0 to 3"),
        (
            {"x_test": np.zeros((2, 9, 9), np.uint8)},
            r"the training images are \(1, 8, 8\), but the test images are \(1, 9, 9\)",
        ),
        ({"y_test": np.array([{}, {}])}, r"is no \.npz file of plain arrays"),
    ],
)
def test_arrays_that_are_wrong(tmp_path, arrays, told):
    right = {
        "x_train": np.zeros((4, 8, 8), np.uint8),
        "y_train": np.arange(4),
        "x_test": np.zeros((2, 8, 8), np.uint8),
        "y_test": np.arange(2),
    }
    np.savez(tmp_path / "a.npz", **(arrays if "x" in arrays else right | arrays))
    with pytest.raises(LabError, match=told):
        data.load("arrays", options={"path": str(tmp_path / "a.npz")})


def test_synthetic_has_the_size_that_is_asked_for():
    found = data.load("synthetic", size=48, options={"classes": 7, "count": 20})
    assert (found.shape, len(found.train), len(found.classes)) == ((3, 48, 48), 20, 7)
    assert data.DATASETS.get("synthetic").facts({"count": 20}, 48).shape == (3, 48, 48)
