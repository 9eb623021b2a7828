"""Scores of trained networks on datasets: published weights on real data, and counts by hand."""

from dataclasses import replace

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.data.dataset import IMAGENET_MEAN, IMAGENET_STD, InMemory
from resnet_lab.data.pipeline.pixels import Normalise
from resnet_lab.data.sources import cifar10_jpeg
from resnet_lab.training import dataset_scores
from resnet_lab.training import trained as trained_networks
from resnet_lab.weights.pretrained import Pretrained, load
from tests.conftest import engine_or_skip, random_weights

IMAGENET = (IMAGENET_MEAN, IMAGENET_STD)


@pytest.mark.parametrize(
    ("depth", "right", "loss", "by_class"),
    [
        (20, 8103, 0.8788, [748, 775, 680, 700, 905, 709, 873, 841, 929, 943]),
        pytest.param(32, 8256, 0.9227, [825, 795, 705, 721, 874, 752, 907, 834, 926, 917], marks=pytest.mark.slow),
    ],
)
def test_published_weights_on_cifar10(shared_data, monkeypatch, depth, right, loss, by_class):
    """Counts of shared/data/README.md, measured there with a network of its own; only test images are decoded."""
    engine_or_skip("mxnet")
    pytest.importorskip("torch")
    decoded, none = cifar10_jpeg._decoded, InMemory(np.zeros((50_000, 3, 32, 32), np.uint8), np.zeros(50_000, np.int32))
    monkeypatch.setattr(cifar10_jpeg, "_decoded", lambda path: none if "train" in path.name else decoded(path))
    (path,) = (shared_data / "weights").glob(f"resnet{depth}-*.th")
    found = rl.evaluate(f"cifar_resnet{depth}", path, "cifar10-jpeg", normalise=IMAGENET, batch_size=500)
    assert found.count == 10_000
    assert abs(round(found.top1 * found.count) - right) <= 3
    assert found.loss == pytest.approx(loss, abs=2e-3)
    assert found.classes["class"].tolist()[:3] == ["airplane", "automobile", "bird"]
    assert np.abs(found.classes["right"] - by_class).max() <= 2
    assert 0.98 < found.top5 <= 1


def test_evaluation_counts(engine, net):
    """Against a count by hand of the engine's own logits."""
    graph = rl.graph("cifar_resnet20", input=(3, 8, 8), classes=10)
    trained = Pretrained("cifar_resnet20", graph, random_weights(graph), "")
    model = trained_networks.model(trained, engine.name)
    found = dataset_scores.evaluate(model, trained, "digits", batch_size=100)
    from resnet_lab import data

    dataset = data.load("digits", channels=3)
    logits = model.predict(Normalise(dataset.mean, dataset.std)(dataset.test.images))
    first = logits.argmax(axis=1) == dataset.test.labels
    assert found.count == 360
    assert round(found.top1 * 360) == first.sum()
    for label, row in enumerate(found.classes.itertuples()):
        mine = dataset.test.labels == label
        assert (row.count, row.right) == (mine.sum(), first[mine].sum())
    other = dataset_scores.evaluate(model, trained, "digits", normalise=IMAGENET)
    assert other.loss != pytest.approx(found.loss)


def test_evaluation_refuses_what_does_not_fit(engine, net):
    trained = load("cifar_resnet20", net, classes=10)
    model = trained_networks.model(trained, engine.name)
    with pytest.raises(LabError, match="unknown split 'dev'"):
        dataset_scores.evaluate(model, trained, "digits", split="dev")
    with pytest.raises(LabError, match="mean and std have 1 and 1 values for images of 3"):
        dataset_scores.evaluate(model, trained, "digits", normalise=((0.5,), (0.5,)))
    graph = rl.graph("cifar_resnet20", classes=7)
    seven = Pretrained("cifar_resnet20", graph, random_weights(graph), "")
    with pytest.raises(LabError, match="dataset 'digits' has 10 classes, but the network has 7"):
        dataset_scores.evaluate(model, seven, "digits")


def test_classes_by_other_names_are_not_scored(engine):
    graph = rl.graph("cifar_resnet20", input=(3, 8, 8))
    trained = Pretrained("cifar_resnet20", graph, random_weights(graph), "", tuple("jihgfedcba"))
    with pytest.raises(LabError, match="class 0 is 'j' in the weights file and '0' in dataset 'digits'"):
        dataset_scores.evaluate(trained_networks.model(trained, engine.name), trained, "digits")
    few = replace(trained, classes=("a", "b"))  # names for another number of outputs say nothing
    assert dataset_scores.evaluate(trained_networks.model(few, engine.name), few, "digits").count == 360


@pytest.mark.usefixtures("trains_here")
def test_the_folder_of_a_trial_is_its_network(workspace, engine):
    (workspace / "experiments" / "e.yaml").write_text(
        "variants: [cifar_resnet20]\nmeasure: false\ndata: {name: digits, size: 8}\n"
        f"train: {{epochs: 1, batch_size: 64}}\nengine: {engine.name}\n"
        "grid: {variant.every_stage.shortcut: [projection]}\n"
    )
    table = rl.run("experiments/e.yaml")
    (folder,) = (workspace / "results" / "e" / "trials").iterdir()
    found = rl.evaluate(str(folder), folder / "weights.safetensors", "digits", engine=engine.name)
    assert found.top1 == pytest.approx(table["test_accuracy"][0])
    assert rl.evaluate(str(folder), None, "digits", engine=engine.name).top1 == found.top1
    with pytest.raises(LabError, match="holds the weights of another network"):
        load("cifar_resnet20", folder / "weights.safetensors")
    with pytest.raises(LabError, match="takes images of 3x8x8 and has 10 classes"):
        load(str(folder), folder / "weights.safetensors", input=(3, 16, 16))
