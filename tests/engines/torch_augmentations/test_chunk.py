"""A chunk of batches: what is drawn for each batch stands below what is drawn for the batch before."""

import numpy as np

from resnet_lab.data.augmentations.contract import Draw
from tests.conftest import engine_or_skip


def test_rows_are_drawn_for_whole_batches_and_those_that_are_made_are_kept():
    engine_or_skip("torch")
    import torch

    from resnet_lab.engines.torch.augmentations.chunk import Chunk

    def draw(own, count):
        return own.stream(9).random((count, 2))

    draws = [Draw(3, 1, step) for step in range(3)]
    chunk = Chunk(draws, 10, np.array([4, 5, 1]), torch.device("cpu"))
    drawn = chunk.drawn(draw)
    assert drawn.shape == (9, 2)
    assert np.array_equal(drawn[3:6], draw(draws[1], 10)[[4, 5, 1]])
    assert np.array_equal(chunk.send(drawn.T).numpy(), drawn.T)
