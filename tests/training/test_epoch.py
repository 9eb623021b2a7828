"""The loop over the steps of an epoch: what is started, what is collected, and when it stops."""

import math

import pytest

from resnet_lab.engines.contract import Diverged
from resnet_lab.training.epoch import train_epoch


class FakeStep:
    def __init__(self, model, number):
        self.model, self.number = model, number

    def is_done(self):
        return self.number < self.model.finished

    def wait(self):
        self.model.events.append(("wait", self.number))
        return self.model.losses[self.number], 2.0, len(BATCHES[self.number][0])


class FakeModel:
    """A model whose device finishes a step only when it is waited for, or as `finished` says."""

    def __init__(self, losses, most_started, finished=0):
        self.losses, self.most_started, self.finished = losses, most_started, finished
        self.events = []

    def begin_epoch(self, seed):
        self.events.append(("begin", seed))

    def on_device(self, batches):
        return batches

    def train_step(self, images, labels, rate, label_smoothing):
        number = sum(event[0] == "start" for event in self.events)
        self.events.append(("start", number))
        return FakeStep(self, number)

    def end_epoch(self):
        self.events.append(("end", 0))


BATCHES = [([0] * size, [0] * size) for size in (4, 4, 4, 2)]


def order(model, **settings):
    told = []
    score = train_epoch(model, BATCHES, [0.1] * 4, 7, lambda images, loss: told.append((images, loss)), **settings)
    return "".join(f"{event[0][0]}{event[1]} " for event in model.events).split(), told, score


def test_python_waits_for_the_oldest_step_only_when_too_many_are_started():
    assert order(FakeModel([1, 2, 3, 4], 2))[0] == "b7 s0 s1 s2 w0 s3 w1 w2 w3 e0".split()


def test_without_a_limit_python_waits_for_no_step_before_the_end():
    assert order(FakeModel([1, 2, 3, 4], math.inf))[0] == "b7 s0 s1 s2 s3 w0 w1 w2 w3 e0".split()


def test_finished_steps_are_collected_at_once():
    assert order(FakeModel([1, 2, 3, 4], math.inf, finished=2))[0] == "b7 s0 w0 s1 w1 s2 s3 w2 w3 e0".split()


def test_the_score_is_the_mean_over_images():
    _, told, score = order(FakeModel([1.0, 2.0, 3.0, 4.0], 2))
    assert told == [(4, 1.0), (4, 2.0), (4, 3.0), (2, 4.0)]
    assert (score.loss, score.top1, score.count) == ((4 + 8 + 12 + 8) / 14, 8 / 14, 14)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_epoch(bad):
    with pytest.raises(Diverged, match=f"the training loss became {bad} after 4 images of the epoch"):
        order(FakeModel([1.0, bad, 1.0, 1.0], 1))


def test_rates_and_batches_must_be_as_many():
    with pytest.raises(ValueError, match="zip"):
        train_epoch(FakeModel([1] * 4, 2), BATCHES, [0.1] * 3, 0, lambda images, loss: None)
