"""Which reports of a trial cross the network."""

from resnet_lab.sweeps.executors import Ended, Event, relay


class Reporter:
    """Reports what it was given."""

    def __init__(self, *contents):
        self.waiting = [*(Event("work", {"event": name}) for name in contents), None, Ended("work", "failed", "why")]

    def next(self):
        return self.waiting.pop(0)


def test_steps_are_thinned_and_the_end_comes_last(monkeypatch):
    times = iter([10.0, 10.0, 11.0, 12.5, 12.5])
    monkeypatch.setattr(relay.time, "monotonic", lambda: next(times))
    found = list(relay.reports(Reporter("started", "step", "step", "epoch", "step", "epoch")))
    assert [content["event"] for content in found] == ["started", "step", "epoch", "step", "epoch", "ended"]
    assert found[-1] == {"event": "ended", "status": "failed", "reason": "why"}
