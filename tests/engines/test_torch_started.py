"""A training step that may still be running on its device."""

import pytest

torch = pytest.importorskip("torch")

from resnet_lab.engines.torch.started import Started  # noqa: E402


def test_a_started_step_waits_for_the_gpu_that_computes_it(monkeypatch):
    """The event belongs to the stream of the model's GPU, not to that of the first one. There is no GPU here."""
    recorded = []

    class Event:
        def record(self, stream=None):
            recorded.append(stream)

    class Values:
        device = "cuda:1"

        def to(self, device, non_blocking):
            return self

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"the stream of {device}")
    Started(Values(), True)
    assert recorded == ["the stream of cuda:1"]


def test_a_step_of_several_replicas_has_their_mean_loss_and_all_their_images():
    step = Started(torch.tensor([[1.0, 3, 8], [2.0, 4, 8]]), False)
    assert step.is_done()
    assert step.wait() == (1.5, 7, 16)
    assert step.scores() == [(1, 3, 8), (2, 4, 8)]
    assert Started(torch.tensor([0.5, 3, 8]), False).wait() == (0.5, 3, 8)
