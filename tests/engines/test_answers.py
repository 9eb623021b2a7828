"""The logits of batches: one batch after another, or several at once on a (pretended) GPU."""

import numpy as np
import pytest

from resnet_lab import data
from resnet_lab.engines.answers import filled, one_after_another
from resnet_lab.training.evaluate import outcomes
from tests.engines.capturing import residual
from tests.engines.test_on_a_gpu import model


def batches(*sizes):
    rng = np.random.default_rng(0)
    return [(rng.random((size, 1, 2, 2), np.float32), np.arange(size)) for size in sizes]


def test_small_batches_are_filled_with_their_last_image():
    given = batches(2, 4, 3)
    images = [images for images, _ in filled(given)]
    assert [len(own) for own in images] == [2, 4, 4]
    np.testing.assert_array_equal(images[2][:3], given[2][0])
    np.testing.assert_array_equal(images[2][3], given[2][0][2])
    assert [len(labels) for _, labels in filled(given)] == [2, 4, 3]


def test_copies_that_fill_a_batch_get_no_answer():
    given = batches(4, 3)
    found = list(one_after_another(lambda images: images.sum((2, 3)), given))
    for (logits, labels), (images, own) in zip(found, given, strict=True):
        np.testing.assert_array_equal(logits, images.sum((2, 3)))
        assert labels is own


def evaluation(batch_size, count=21):
    digits = data.load("digits", channels=3)
    split = data.InMemory(digits.test.images[:count], digits.test.labels[:count])
    return data.EvaluationBatches(split, batch_size, digits.mean, digits.std)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("batch_size", [1, 8, 21, 64])
def test_a_gpu_answers_as_the_cpu_does(gpu, batch_size, precision):
    graph = residual(8, 3, 10)
    on_cpu, on_gpu = (model(device, precision=precision, graph=graph) for device in ("cpu", "gpu:0"))
    expected = list(on_cpu.answers(evaluation(batch_size)))
    for made in (evaluation(batch_size), list(evaluation(batch_size))):  # normalised on the GPU, and on the host
        found = list(on_gpu.answers(made))
        assert len(found) == len(expected)
        for (logits, labels), (wanted, own) in zip(found, expected, strict=True):
            np.testing.assert_array_equal(logits, wanted)
            np.testing.assert_array_equal(labels, own)


def test_an_evaluation_does_not_wait_for_each_batch(gpu):
    own, seen = model("gpu:0", graph=residual(8, 3, 10)), evaluation(4)
    list(outcomes(own, seen))
    gpu.waits.clear()
    assert len(list(outcomes(own, seen))) == 6
    assert gpu.waits == []
    assert len(list(outcomes(own, list(seen)))) == 6
    assert gpu.waits == []


def test_images_leave_the_gpu_with_their_dataset(gpu):
    import gc

    from resnet_lab.engines.torch.answers import _RESIDENT

    own, seen = model("gpu:0", graph=residual(8, 3, 10)), evaluation(4)
    before = len(_RESIDENT)
    list(own.answers(seen))
    assert len(_RESIDENT) == before + 1
    del seen
    gc.collect()
    assert len(_RESIDENT) == before
