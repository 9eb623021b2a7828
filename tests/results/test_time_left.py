"""The estimate of the time that is left, and its words."""

import pytest

from resnet_lab.results.time_left import in_words, seconds_left


def test_the_time_that_is_left_is_in_proportion_to_the_work():
    assert seconds_left(10, done=100, left=300) == 30
    assert seconds_left(10, done=0, left=300) is None
    assert seconds_left(0, done=100, left=300) is None
    assert seconds_left(10, done=0, left=0) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.0, ""),
        (0.2, "about 1 s left"),
        (80, "about 80 s left"),
        (200, "about 3 min left"),
        (7170, "about 2 h left"),
        (9000, "about 2 h 30 min left"),
    ],
)
def test_words(seconds, words):
    assert in_words(seconds) == words
