"""Arrays on their way to a GPU (a pretended one)."""

import numpy as np
import pytest

from tests.conftest import engine_or_skip
from tests.engines.capturing import BATCHES


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_batches_arrive_as_a_training_step_takes_them(gpu, device):
    import torch

    from resnet_lab.engines.torch.sending import sent

    shares = np.full((8, 5), 0.2, np.float32)
    made = list(sent([*BATCHES, (BATCHES[0][0], shares)], torch.device(device)))
    assert len(made) == len(BATCHES) + 1
    for (images, labels), (x, y) in zip(BATCHES, made, strict=False):
        assert str(x.device) == str(y.device) == device
        assert x.is_contiguous(memory_format=torch.channels_last)
        assert y.dtype == torch.int64
        np.testing.assert_array_equal(x.cpu().numpy(), images)
        np.testing.assert_array_equal(y.cpu().numpy(), labels)
    assert made[-1][1].dtype == torch.float32


def test_a_process_sends_its_own_part_of_a_batch(gpu):
    import torch

    from resnet_lab.engines.contract import Rank
    from resnet_lab.engines.torch.sending import sent

    [(x, y), *_] = sent(BATCHES, torch.device("cuda:0"), Rank(1, 4, "127.0.0.1:0"))
    np.testing.assert_array_equal(x.cpu().numpy(), BATCHES[0][0][2:4])
    np.testing.assert_array_equal(y.cpu().numpy(), BATCHES[0][1][2:4])


def test_only_a_few_batches_are_on_their_way_to_a_gpu_at_once(gpu, monkeypatch):
    engine_or_skip("torch")
    import torch

    from resnet_lab.engines.torch.sending import AHEAD, sent

    under_way, largest = 0, 0

    class Event:
        def __init__(self, blocking):
            assert blocking  # Python gives its core to the processes that make the next batches.

        def record(self, stream):
            nonlocal under_way, largest
            under_way += 1
            largest = max(largest, under_way)

        def synchronize(self):
            nonlocal under_way
            under_way -= 1

    monkeypatch.setattr(torch.cuda, "Event", Event)
    assert len(list(sent(2 * BATCHES, torch.device("cuda:0")))) == 2 * len(BATCHES)
    assert largest == AHEAD
