"""A sweep with trackers: what they are told, and that none of them is in its way."""

import pytest

from resnet_lab import LabError
from resnet_lab.base.registry import temporary
from resnet_lab.results.trackers import tracker
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.progress import Silent
from resnet_lab.sweeps.run import run
from tests.conftest import any_engine
from tests.sweeps.pretending import Pretender

EXPERIMENT = {
    "variants": ["cifar_resnet20"],
    "data": {"name": "digits", "size": 32},
    "train": {"epochs": 2, "batch_size": 8},
    "measure": False,
}


class Recorder:
    """A tracker that keeps what it is told; it fails at the epoch that it is given."""

    def __init__(self, folder, *, fails_at=0):
        self.fails_at, self.told = fails_at, told.setdefault(str(folder), [])

    def begin(self, trial):
        self.told.append(("begin", trial.title, trial.settings["epochs"]))

    def epoch(self, trial, epoch, figures):
        if epoch == self.fails_at:
            raise RuntimeError("no connection")
        self.told.append(("epoch", epoch, figures))

    def end(self, trial, status, epoch, figures):
        self.told.append(("end", status, figures["test_accuracy"]))

    def close(self):
        self.told.append(("close",))


told: dict[str, list] = {}


class Telling(Pretender):
    """Trials that report two epochs before they end."""

    def start(self, work):
        super().start(work)
        self.events = [{"event": "started"}, *({"event": "epoch", "epoch": n, "train_loss": 1 / n} for n in (1, 2))]

    def next(self, timeout=None):
        from resnet_lab.sweeps.executors import Event

        return Event(self.work, self.events.pop(0)) if self.events else super().next(timeout)


class Notes(Silent):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """`sweep(trackers)` runs an experiment whose trials are pretended; returns the table, what was told, the notes."""
    monkeypatch.chdir(tmp_path)

    def call(trackers):
        with temporary():
            tracker("recorder", package="")(Recorder)
            notes, folder = Notes(), tmp_path / "results"
            experiment = load({**EXPERIMENT, "engine": any_engine(), "trackers": trackers}, name="e")
            executor = Telling(lambda trial: {"test_accuracy": 0.5})
            table = run(experiment, folder, notes, executor=executor, warn_if_busy=False)
        return table, told.pop(str(folder), []), notes.notes

    return call


def test_a_tracker_is_told_of_each_epoch_and_of_the_end(sweep):
    table, events, _ = sweep(["recorder"])
    assert events == [
        ("begin", f"cifar_resnet20 {any_engine()} seed=0", 2),
        ("epoch", 1, {"train_loss": 1.0}),
        ("epoch", 2, {"train_loss": 0.5}),
        ("end", "ok", 0.5),
        ("close",),
    ]
    assert table["status"].tolist() == ["ok"]


def test_a_tracker_that_fails_becomes_one_note_and_the_sweep_goes_on(sweep):
    table, events, notes = sweep({"recorder": {"fails_at": 1}})
    assert table["status"].tolist() == ["ok"]
    assert [event[0] for event in events] == ["begin"]
    assert [note for note in notes if "tracker" in note] == [
        "the tracker 'recorder' is off: RuntimeError: no connection; the results folder has everything"
    ]


def test_trackers_change_no_id(sweep):
    first, *_ = sweep([])
    second, events, _ = sweep(["recorder"])
    assert second["trial"].tolist() == first["trial"].tolist()
    assert events == []  # the trial was done, and no tracker was made


@pytest.mark.parametrize(
    ("trackers", "message"),
    [
        (["recordr"], "unknown tracker 'recordr'"),
        ({"recorder": {"at": 1}}, "unknown option of tracker 'recorder': 'at'"),
    ],
)
def test_a_mistake_is_refused_before_anything_runs(sweep, trackers, message):
    with pytest.raises(LabError, match=message):
        sweep(trackers)
