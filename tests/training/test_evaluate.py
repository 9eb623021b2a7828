"""Scores against a count by hand."""

import math

import numpy as np
import pytest

from resnet_lab.engines.answers import one_after_another
from resnet_lab.training.evaluate import evaluate


class Table:
    """A model that looks its logits up by the images' first number, and refuses a batch of another size."""

    def __init__(self, logits):
        self.logits, self.size = logits, None

    def predict(self, images):
        self.size = self.size or len(images)
        assert len(images) == self.size
        return self.logits[images[:, 0].astype(int)]

    def answers(self, batches):
        return one_after_another(self.predict, batches)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 10, 64])
def test_loss_top1_and_top5(batch_size):
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((10, 8)).astype(np.float32) * 30
    labels = rng.integers(0, 8, 10).astype(np.int32)
    images = np.arange(10, dtype=np.float32)[:, None]
    batches = [(images[i : i + batch_size], labels[i : i + batch_size]) for i in range(0, 10, batch_size)]
    score = evaluate(Table(logits), batches)
    order = np.argsort(-logits, axis=1)
    assert score.count == 10
    assert score.top1 == np.mean([order[i, 0] == labels[i] for i in range(10)])
    assert score.top5 == np.mean([labels[i] in order[i, :5] for i in range(10)])
    shares = np.exp(logits.astype(np.float64)) / np.exp(logits.astype(np.float64)).sum(axis=1, keepdims=True)
    assert score.loss == pytest.approx(-np.log(shares[np.arange(10), labels]).mean())


def test_logits_that_are_all_equal_or_no_numbers_are_not_right_for_nothing():
    images, labels = np.arange(4, dtype=np.float32)[:, None], np.array([0, 1, 2, 3], np.int32)
    assert evaluate(Table(np.zeros((4, 4), np.float32)), [(images, labels)]).top1 == 0.25
    score = evaluate(Table(np.full((4, 4), np.nan, np.float32)), [(images, labels)])
    assert (score.top1, score.top5) == (0, 0)
    assert math.isnan(score.loss)


def test_nothing_to_score():
    assert evaluate(Table(np.zeros((1, 4))), []).count == 0
