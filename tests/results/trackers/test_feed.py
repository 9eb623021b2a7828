"""The thread of a tracker: calls in order, one error, and a tracker that hangs."""

import threading
import time

from resnet_lab.results.trackers import Feed


class Listing:
    """Keeps what it is called with."""

    def __init__(self):
        self.calls = []

    def epoch(self, number):
        if number == 3:
            raise OSError("the disk is full")
        self.calls.append(number)

    def close(self):
        self.calls.append("closed")


def test_calls_are_made_in_order_in_another_thread():
    listing, threads = Listing(), []
    feed = Feed("mine", lambda: listing)
    for number in (1, 2):
        feed.put(lambda tracker, number=number: (tracker.epoch(number), threads.append(threading.current_thread())))
    feed.close(10)
    assert listing.calls == [1, 2, "closed"]
    assert threading.main_thread() not in threads
    assert feed.take_problem() == ""


def test_after_an_error_the_tracker_is_off_and_says_so_once():
    listing = Listing()
    feed = Feed("mine", lambda: listing)
    for number in (1, 3, 4):
        feed.put(lambda tracker, number=number: tracker.epoch(number))
    feed.close(10)
    assert listing.calls == [1]
    assert feed.take_problem() == "the tracker 'mine' is off: OSError: the disk is full"
    assert feed.take_problem() == ""
    feed.put(lambda tracker: tracker.epoch(5))
    feed.close(10)
    assert listing.calls == [1]


def test_a_tracker_that_hangs_is_given_up():
    release = threading.Event()
    feed = Feed("mine", Listing)
    begin = time.monotonic()
    feed.put(lambda tracker: release.wait(60))
    feed.close(0.05)
    assert time.monotonic() - begin < 30
    release.set()
    assert feed.take_problem() == "the tracker 'mine' is off: it had not written everything 0.05 s after the last trial"


def test_a_tracker_without_a_trial_is_never_made():
    Feed("mine", lambda: 1 / 0).close(10)
