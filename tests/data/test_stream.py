"""Batches from workers: the same bytes whatever their number, kept back, and ended cleanly."""

import gc
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data import EvaluationBatches
from resnet_lab.data.pipeline import stream
from resnet_lab.data.pipeline.pictures import Files
from resnet_lab.training.epoch import train_epoch
from tests.conftest import ROOT, engine_or_skip
from tests.data.writing import jpeg

FULL = data.AugmentSpec(
    pad_crop=2,
    flip=True,
    random_resized_crop=(0.3, 1.0),
    rand_augment=(2, 9),
    color_jitter=0.4,
    random_erasing=0.5,
    mixup=0.2,
    cutmix=1.0,
)


@pytest.fixture
def pictures(tmp_path):
    """Forty JPEGs in a folder, as a split of ten classes."""
    for number in range(40):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(number, 50 + number, 45))
    files = Files(tmp_path, tuple(f"{number}.jpg" for number in range(40)))
    return data.OnDisk(files, np.arange(40, dtype=np.int32) % 10, np.arange(40)).resized(24)


def feed(split, workers=None, **changes) -> data.Feed:
    settings = {"augment": FULL, "classes": 10} | changes
    return data.Feed(split, 8, 5, (0.5,) * 3, (0.3,) * 3, workers=workers, **settings)


def content(batches) -> list[tuple[bytes, bytes]]:
    return [(images.tobytes(), labels.tobytes()) for images, labels in batches]


def in_memory() -> data.InMemory:
    rng = np.random.default_rng(0)
    return data.InMemory(rng.integers(0, 256, (40, 3, 24, 24)).astype(np.uint8), np.arange(40, dtype=np.int32) % 10)


def test_any_number_of_workers_makes_the_same_bytes(pictures):
    """Pictures decoded and in memory, two epochs, training and evaluation; twice with three workers."""
    found = []
    for number in (0, 1, 3, 3):
        with data.Workers(number or 1) as processes:
            workers = processes if number else None
            of_this = []
            for split in (pictures, in_memory()):
                made = feed(split, workers)
                of_this += [content(made.epoch(0)), content(made.epoch(1))]
                of_this.append(content(data.EvaluationBatches(split, 12, made.mean, made.std, workers=workers)))
            found.append(of_this)
    assert found[0] == found[1] == found[2] == found[3]
    assert [len(batches) for batches in found[0]] == [5, 5, 4, 5, 5, 4]
    assert found[0][0] != found[0][1]


def test_both_engines_are_given_the_same_bytes(pictures, monkeypatch):
    """What arrives in each framework's own arrays, with workers and without, in two runs."""
    import resnet_lab as rl
    from resnet_lab.network.initial import initial
    from resnet_lab.specs.optimizers import Sgd

    graph = rl.graph("cifar_resnet20", input=(3, 24, 24), classes=10)
    chosen = {name: engine_or_skip(name) for name in ("mxnet", "torch")}
    seen = {}
    for number in (0, 1, 3):
        with data.Workers(number or 1) as processes:
            for name, engine in chosen.items():
                model = engine.build(graph, "cpu")
                model.load(initial(graph, 0))
                model.prepare(Sgd())
                got = []

                def note(module, inputs, output=None, got=got):
                    array = inputs[0].asnumpy() if hasattr(inputs[0], "asnumpy") else inputs[0].detach().numpy()
                    got.append(np.ascontiguousarray(array).tobytes())

                hook = model.block.register_forward_hook(note)
                source = feed(pictures, processes if number else None)
                for _ in range(2 if number == 3 else 1):
                    train_epoch(model, source.epoch(3), [0.0] * source.steps, 0, lambda images, loss: None)
                hook.detach() if hasattr(hook, "detach") else hook.remove()
                for turn, start in enumerate(range(0, len(got), source.steps)):
                    seen[name, number, turn] = got[start : start + source.steps]
    assert len(seen) == 8
    assert len({tuple(run) for run in seen.values()}) == 1
    assert [images.tobytes() for images, _ in feed(pictures).epoch(3)] == seen["mxnet", 0, 0]


def test_batches_stay_as_they_are_while_they_are_held(pictures):
    """One who keeps every batch, a view of one, or none: nobody's pictures change under them."""
    expected = content(feed(pictures).epoch(0))
    with data.Workers(2) as workers:
        source = feed(pictures, workers)
        assert content(list(source.epoch(0))) == expected
        views = [images[:1, :, ::2] for images, _ in source.epoch(0)]
        again = content(source.epoch(0))
        assert again == expected
        for view, (whole, _) in zip(views, expected, strict=True):
            assert np.array_equal(view, np.frombuffer(whole, np.float32).reshape(8, 3, 24, 24)[:1, :, ::2])
        kept = next(iter(source.epoch(0)))[0]
        for _ in range(3):  # a loop that is broken off at its first batch leaves nothing stuck
            next(iter(source.epoch(1)))
        assert content(source.epoch(0)) == expected
        assert kept.tobytes() == expected[0][0]
        del kept, views
        gc.collect()
    assert content(source.epoch(0)) == expected  # started again


def test_workers_are_kept_back(pictures, monkeypatch):
    """No more batches are under way than there is room for, however slow the loop is."""
    monkeypatch.setattr(stream, "_ROOM", 0)
    with data.Workers(2) as workers:
        batches = iter(feed(pictures, workers).epoch(0))
        first = next(batches)[0]
        time.sleep(0.5)
        asked = 4  # one a worker and two to spare, one of them in our hands
        assert len(workers._free) == 0
        assert workers._memory is not None
        assert len(workers._memory) == asked * first.nbytes
        assert len(list(batches)) == 4


class Faulty(EvaluationBatches):
    """Fails at its second batch: by an error of a person's, an error of ours, or the kernel's hand."""

    how = ""

    def make(self, epoch, step, out=None):
        if step == 1:
            if epoch == 0:
                raise LabError("a mistake", file="a.yaml", line=3)
            if epoch == 1:
                raise ZeroDivisionError("a fault")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().make(epoch, step, out)


def test_what_goes_wrong_in_a_worker_is_told_and_the_next_epoch_works():
    maker = Faulty(in_memory(), 8, (0.5,) * 3, (0.3,) * 3)
    with data.Workers(2) as workers:
        with pytest.raises(LabError, match=r"a\.yaml:3: a mistake"):
            list(workers.batches(maker, 0))
        with pytest.raises(RuntimeError, match="ZeroDivisionError: a fault"):
            list(workers.batches(maker, 1))
        processes = workers._processes
        with pytest.raises(RuntimeError, match="a data worker ended with signal 9, as when memory runs out"):
            list(workers.batches(maker, 2))
        assert not any(process.is_alive() for process in processes)
        assert len(list(workers.batches(EvaluationBatches(*(in_memory(), 8, (0.5,) * 3, (0.3,) * 3)), 0))) == 5
        processes = workers._processes
        assert all(process.is_alive() for process in processes)
    assert not any(process.is_alive() for process in processes)


SCRIPT = """
import sys, time
import numpy as np
from resnet_lab import data
from tests.data.test_stream import feed, in_memory

if __name__ == "__main__":
    workers = data.Workers(2)
    batches = iter(feed(in_memory(), workers).epoch(0))
    next(batches)
    print(*(process.pid for process in workers._processes), flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_workers_end_with_the_one_they_work_for(tmp_path, how):
    (tmp_path / "script.py").write_text(SCRIPT)
    shared = set(os.listdir("/dev/shm"))
    run = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    numbers = [int(word) for word in run.stdout.readline().split()]
    assert len(numbers) == 2
    run.send_signal(how)
    run.wait(20)
    deadline = time.time() + 20
    while any(os.path.exists(f"/proc/{number}") for number in numbers) and time.time() < deadline:
        time.sleep(0.1)
    assert not any(os.path.exists(f"/proc/{number}") for number in numbers)
    assert not {name for name in set(os.listdir("/dev/shm")) - shared if name.startswith("pym")}


def test_damaged_pictures_are_refused_or_skipped_and_named(pictures, tmp_path):
    (tmp_path / "7.jpg").write_bytes(b"no picture at all")
    (tmp_path / "9.jpg").write_bytes(jpeg(9)[:-500])
    with pytest.raises(LabError, match=r"(7|9)\.jpg cannot be decoded: .*'damaged: skip'"):
        list(feed(pictures).epoch(0))
    found = []
    for number in (0, 3):
        with data.Workers(number or 1) as processes:
            source = feed(pictures, processes if number else None, skip=True)
            found.append(content(source.epoch(0)))
            assert {os.path.basename(name) for name in source.skipped} == {"7.jpg", "9.jpg"}
            skipped: set[str] = set()
            batches = list(data.EvaluationBatches(pictures, 8, source.mean, source.std, skip=True, skipped=skipped))
            assert [len(images) for images, _ in batches] == [7, 7, 8, 8, 8]
            assert len(skipped) == 2
    assert found[0] == found[1]
    assert len(found[0]) == 5


def test_epochs_that_are_open_side_by_side_keep_their_own_batches(pictures):
    """Two epochs of one feed, another feed and an evaluation with a larger batch, taken in turns."""
    plain = feed(pictures)
    expected = [content(plain.epoch(0)), content(plain.epoch(1)), content(feed(in_memory()).epoch(0))]
    expected.append(content(data.EvaluationBatches(pictures, 20, plain.mean, plain.std)))
    with data.Workers(2) as workers:
        source = feed(pictures, workers)
        opened = [source.epoch(0), source.epoch(1), feed(in_memory(), workers).epoch(0)]
        opened.append(data.EvaluationBatches(pictures, 20, source.mean, source.std, workers=workers))
        iterators = [iter(batches) for batches in opened]
        found = [[] for _ in iterators]
        for _ in range(5):
            for own, iterator in zip(found, iterators, strict=True):
                own += content([batch for batch in [next(iterator, None)] if batch is not None])
        assert found == expected
        assert content(source.epoch(0)) == expected[0]


def test_an_epoch_that_is_left_open_does_not_keep_another_from_its_end(pictures, monkeypatch):
    """Even where all of the few slots hold batches of the one that nobody asks for any more."""
    monkeypatch.setattr(stream, "_ROOM", 0)
    expected = content(feed(pictures).epoch(1))
    with data.Workers(1) as workers:
        source = feed(pictures, workers)
        left_open = iter(source.epoch(0))
        kept = next(left_open)[0].copy()
        time.sleep(0.3)
        assert content(source.epoch(1)) == expected
        assert [kept.tobytes(), *(images.tobytes() for images, _ in left_open)] == [
            images for images, _ in content(feed(pictures).epoch(0))
        ]


def test_an_epoch_that_is_open_when_the_workers_end_says_so():
    with data.Workers(2) as workers:
        batches = iter(feed(in_memory(), workers).epoch(0))
        next(batches)
    with pytest.raises(RuntimeError, match="the data workers were ended"):
        list(batches)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("augment", "skip", "decoded"),
    [
        ({"flip": True, "color_jitter": 0.4, "random_resized_crop": (0.3, 1.0), "random_erasing": 0.5}, False, 10),
        ({"flip": True, "mixup": 0.2}, False, 40),
        ({"flip": True}, True, 40),
    ],
    ids=["each picture alone", "mixed", "damaged ones are skipped"],
)
def test_a_part_of_a_batch_is_that_of_the_whole_batch(pictures, monkeypatch, augment, skip, decoded, workers):
    """Only the pictures of the part are decoded, unless the others are needed, too."""
    settings = {"augment": data.AugmentSpec(**augment), "skip": skip}
    part, shown, fill = slice(3, 5), [], data.OnDisk.fill
    whole = list(feed(pictures, **settings).epoch(2))
    if workers:
        with data.Workers(1) as processes:
            found = list(feed(pictures, processes, part=part, **settings).epoch(2))
    else:
        monkeypatch.setattr(data.OnDisk, "fill", lambda *words: (shown.append(words[1]), fill(*words))[1])
        found = list(feed(pictures, part=part, **settings).epoch(2))
        assert len(shown) == decoded
    for (images, labels), (own, own_labels) in zip(whole, found, strict=True):
        assert np.array_equal(images[part], own[part])
        assert np.array_equal(labels[part], own_labels[part])
