"""A results folder of a few trials, without training anything."""

import pytest

from resnet_lab.base.files import write_json
from resnet_lab.results.store import Store


class Folder:
    """Trials that are put into a results folder as a worker would leave them."""

    def __init__(self, path):
        self.path, self.labels, self.count = path, {}, 0

    def put(self, variant="a", seed=0, status="ok", *, trial=None, setting=None, epochs=(2.0, 1.0), **columns):
        """One trial; `columns` may be labels, settings (`**{"train.optimizer.lr": 0.1}`) and figures."""
        self.count += 1
        trial = trial or f"{self.count:012}"
        labels = {
            "trial": trial,
            "variant": variant,
            "depth": 18,
            "params": 1000,
            "macs": 2000,
            "data": "digits",
            "input": "3x32x32",
            "epochs": 1,
            "batch_size": 32,
            "engine": "mxnet",
            "dtype": "float32",
            "seed": seed,
            "graph": f"graph of {variant}",
        }
        dotted = {name: value for name, value in columns.items() if "." in name or name in labels}
        figures = {name: value for name, value in columns.items() if name not in dotted}
        labels |= dotted
        changed = [str(value) for name, value in labels.items() if name not in ("trial", "seed")]
        labels["setting"] = setting or "/".join(changed)
        self.labels[trial] = labels
        place = self.path / "trials" / trial
        place.mkdir(parents=True)
        started = f"2026-01-01T00:00:{self.count:02}Z"
        result = {"status": status, "reason": "" if status == "ok" else "why", "started": started, "device": "cpu"}
        write_json(place / "result.json", labels | result | figures)
        write_json(place / "epochs.json", [{"epoch": n, "train_loss": loss} for n, loss in enumerate(epochs, 1)])
        return trial

    def store(self, current=None, swept=()):
        """The folder opened as a run does; `current` names the trials that the experiment asks for, all if left out."""
        return Store(
            self.path, {name: self.labels[name] for name in (self.labels if current is None else current)}, swept
        )

    def table(self, current=None):
        return self.store(current).table()


@pytest.fixture
def folder(tmp_path):
    """An empty results folder."""
    return Folder(tmp_path / "e")


@pytest.fixture
def four(folder):
    """Two variants of one setting each; the second has one trial that did not end ok."""
    folder.put("a", 0, test_accuracy=0.9, train_images_per_s=100.0)
    folder.put("a", 1, test_accuracy=0.8, train_images_per_s=110.0)
    folder.put("b", 0, test_accuracy=0.7, train_images_per_s=50.0)
    folder.put("b", 1, status="diverged")
    return folder
