"""The experiments that the stage `literature` runs, and the published figures beside them."""

import pytest

from resnet_lab.specs.experiment import load
from tests.conftest import engine_or_skip

from . import literature
from .job import Job
from .literature import SWEEPS, Sweep, beside


def test_an_experiment_without_its_data_is_a_problem_and_the_next_one_starts(tmp_path, monkeypatch):
    engine_or_skip("torch")
    rows = []
    monkeypatch.setattr(Job, "row", lambda self, **values: rows.append(values))
    wrong = tuple(Sweep(name, ("data={name: imagefolder, path: nowhere}",)) for name in ("depth_sweep", "my_block"))
    monkeypatch.setattr(literature, "TINY", wrong)
    with pytest.raises(RuntimeError, match="could not run: depth_sweep, my_block"):
        literature.run(Job("literature", 1, tmp_path, "cpu", True))
    assert [row["experiment"] for row in rows] == ["depth_sweep", "my_block"]
    assert all("exit status 2" in row["problem"] for row in rows)


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.experiment)
def test_the_settings_are_those_of_an_experiment(sweep):
    experiment = load(sweep.experiment, sweep.all_settings, preset=sweep.preset or None)
    assert experiment.name == sweep.experiment + (f"-{sweep.preset}" if sweep.preset else "")
    assert experiment.spec.resources.gpu == 1 / sweep.at_once
    assert experiment.spec.limits.sweep == (60 * sweep.minutes or None)
    figures = literature._published(sweep.published)
    assert figures is None or set(figures["variant"]) & set(map(str, experiment.spec.variants))


@pytest.mark.parametrize(
    ("table", "row", "published"),
    [
        ("he2015_cifar10", {"variant": "cifar_resnet20", "data": "cifar10-jpeg", "epochs": 182}, (0.9125, "cifar10")),
        ("he2015_cifar10", {"variant": "cifar_resnet20", "data": "fashion_mnist", "epochs": 6}, (None, None)),
        (
            "d2l_fashion_mnist",
            {"variant": "d2l_resnet18", "data": "fashion_mnist", "epochs": 10},
            (0.928, "fashion_mnist"),
        ),
        ("d2l_fashion_mnist", {"variant": "d2l_resnet18", "data": "fashion_mnist", "epochs": 5}, (None, None)),
        ("", {"variant": "cifar_resnet20", "data": "cifar10", "epochs": 182}, (None, None)),
    ],
)
def test_a_published_figure_stands_beside_the_same_variant_data_and_epochs(table, row, published):
    found = beside(row, literature._published(table))
    assert (found["published_test_accuracy"], found["published_data"]) == published
