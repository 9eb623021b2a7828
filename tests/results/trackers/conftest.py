"""A trial as a sweep tells a tracker of it."""

import pytest

from resnet_lab.results.trackers import TrackedTrial


@pytest.fixture
def play():
    """`play(tracker)`: one trial of two epochs that ends ok, and one that the end of the sweep cuts off."""

    def call(tracker):
        tracker.begin(TrackedTrial("0123456789ab", "net torch lr=0.1 seed=0", {"variant": "net", "lr": 0.1}))
        tracker.begin(TrackedTrial("ba9876543210", "net torch lr=0.2 seed=0", {"variant": "net", "lr": 0.2}))
        tracker.epoch("0123456789ab", 1, {"train_loss": 2.0, "val_accuracy": 0.5})
        tracker.epoch("ba9876543210", 1, {"train_loss": 9.0})
        tracker.epoch("0123456789ab", 2, {"train_loss": 1.0, "val_accuracy": 0.75})
        tracker.end("0123456789ab", "ok", 2, {"test_accuracy": 0.7})
        tracker.close()

    return call
