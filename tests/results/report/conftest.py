"""Results folders for reports: trials that nobody trained, with the networks that their folders keep."""

import pytest

import resnet_lab as rl
from resnet_lab.base.files import write_json
from resnet_lab.results import design
from resnet_lab.results.report.contents import gather
from resnet_lab.specs.experiment import DecideSpec

VARIANTS = ("cifar_resnet20", "cifar_resnet20_v2")


@pytest.fixture(scope="session")
def graphs():
    return {name: rl.graph(name) for name in VARIANTS}


@pytest.fixture
def sweep(folder, graphs):
    """Two variants with six seeds each, of which one trial failed; the second variant is better by 0.02."""
    for seed in range(6):
        for index, name in enumerate(VARIANTS):
            graph = graphs[name]
            trial = folder.put(
                name,
                seed,
                "failed" if (index, seed) == (1, 5) else "ok",
                params=graph.params,
                macs=graph.macs,
                depth=graph.depth,
                graph=graph.digest,
                test_accuracy=0.9 + 0.02 * index + 0.001 * seed,
                train_images_per_s=100.0 - 20 * index,
                train_images_per_s_p10=99.0 - 20 * index,
                train_images_per_s_p90=101.0 - 20 * index,
                wall_s=10.0,
                **{"train.optimizer.lr": 0.1},
            )
            write_json(folder.path / "trials" / trial / "trial.json", {"graph": graph.to_json()})
    folder.store()
    design.keep(folder.path, design.Design(VARIANTS[0], DecideSpec(smallest=0.01, confidence=0.9), False, 1))
    return folder


@pytest.fixture
def grid(folder):
    """One variant at 15 learning rates, so that seeds are not all that changes."""
    for index in range(15):
        lr = {"train.optimizer.lr": 0.1 * (index + 1)}
        folder.put("a", 0, **lr, test_accuracy=0.5 + index / 100, val_accuracy=0.4 + index / 100)
    folder.store()
    return folder


@pytest.fixture
def contents(sweep):
    return gather([sweep.path])
