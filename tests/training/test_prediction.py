"""What trained networks say: published weights on real data, photos of every kind, and the commands around them."""

import numpy as np
import pytest
from PIL import Image

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.data.dataset import IMAGENET_MEAN, IMAGENET_STD
from resnet_lab.data.formats import picture
from resnet_lab.training import prediction as inference
from resnet_lab.training import trained as trained_networks
from resnet_lab.weights import safetensors
from resnet_lab.weights.pretrained import Pretrained, load, metadata
from tests.conftest import random_weights

IMAGENET = (IMAGENET_MEAN, IMAGENET_STD)


@pytest.mark.parametrize("depth", [44, 56, 110])
def test_other_depths_of_the_same_layout(tmp_path, depth):
    """As akamaster/pytorch_resnet_cifar10 names them: module.layer2.0.conv1.weight, module.linear.weight."""
    torch = pytest.importorskip("torch")
    graph = rl.graph(f"cifar_resnet{depth}")
    arrays, state = random_weights(graph), {}
    for node in graph.nodes:
        for key in node.params:
            part = {"stem.conv1": "conv1", "stem.norm1": "bn1", "head.dense1": "linear"}.get(node.name)
            if part is None:
                stage, block, layer = node.name.split(".")
                part = f"layer{stage[5:]}.{int(block[5:]) - 1}.{layer.replace('norm', 'bn')}"
            suffix = "weight" if key == "scale" else key
            state[f"module.{part}.{suffix}"] = torch.from_numpy(arrays[f"{node.name}.{key}"])
    torch.save({"state_dict": state, "best_prec1": 93.0}, tmp_path / "net.th")
    found = load(f"cifar_resnet{depth}", tmp_path / "net.th")
    assert all(np.array_equal(found.arrays[name], arrays[name]) for name in arrays)


def test_every_photo_goes_through(engine, shared_data, tmp_path, net):
    graph = rl.graph("resnet18", input=(3, 224, 224))
    path = tmp_path / "net18.safetensors"
    safetensors.save(path, random_weights(graph))
    table = rl.predict("resnet18", shared_data / "photos", path, engine=engine.name)
    assert table["problem"].isna().all()
    assert table.groupby("image").size().tolist() == [5] * 11
    assert set(table["name"]) <= set(inference.imagenet_names())
    first = table[table["rank"] == 1]
    best = table.groupby("image")["probability"].transform("max")
    assert (first["probability"] == best[first.index]).all()


def test_probabilities_and_names_are_those_of_the_logits(engine, tmp_path, net):
    image = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)).save(image)
    trained = load("cifar_resnet20", net)
    model = trained_networks.model(trained, engine.name)
    seen = inference.view(trained, resize=36)
    (found,) = inference.predict(model, [image], seen, [f"c{index}" for index in range(10)], top=10)
    pixels = picture.prepare(picture.read(image), 36, 32).astype(np.float64) / 255
    mean, std = (np.array(values).reshape(3, 1, 1) for values in IMAGENET)
    logits = model.predict(((pixels - mean) / std)[None].astype(np.float32))[0].astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum()
    assert [guess.index for guess in found.guesses] == np.argsort(-shares).tolist()
    for guess in found.guesses:
        assert guess.name == f"c{guess.index}"
        assert guess.probability == pytest.approx(shares[guess.index], rel=1e-4)


def test_what_the_weights_say_of_themselves_is_followed(tmp_path):
    graph = rl.graph("cifar_resnet20", input=(1, 20, 20), classes=3)
    trained = Pretrained("cifar_resnet20", graph, random_weights(graph), "", ("a", "b", "c"), (0.2,), (0.4,), 0.8)
    safetensors.save(tmp_path / "net.safetensors", trained.arrays, metadata(trained))
    back = load("cifar_resnet20", tmp_path / "net.safetensors")
    assert (back.graph, back.classes) == (graph, ("a", "b", "c"))
    assert load("cifar_resnet20", tmp_path / "net.safetensors", size=24).graph.input == (1, 24, 24)
    assert inference.view(back) == inference.View(25, 20, (0.2,), (0.4,))
    assert inference.class_names(back) == ("a", "b", "c")


@pytest.mark.usefixtures("trains_here")
def test_a_trials_own_crop_is_what_predict_shows(workspace, engine):
    """Pictures of a folder are tested on their central share; predict shows the same, not more."""
    for label in ("plain", "framed"):
        (workspace / "photos" / label).mkdir(parents=True)
        for index in range(8):
            pixels = np.zeros((40, 40, 3), np.uint8)
            if label == "framed":
                pixels[[0, -1]], pixels[:, [0, -1]] = 255, 255  # the outermost pixels alone
            Image.fromarray(pixels + index).save(workspace / "photos" / label / f"{index}.png")
    (workspace / "experiments" / "e.yaml").write_text(
        "variants: [cifar_resnet20]\nmeasure: false\n"
        "data: {name: imagefolder, path: ../photos, size: 32}\n"
        f"train: {{epochs: 1, batch_size: 4}}\nengine: {engine.name}\n"
    )
    rl.run("experiments/e.yaml")
    (path,) = (workspace / "results" / "e" / "trials").glob("*/weights.safetensors")
    seen = inference.view(load("cifar_resnet20", path))
    assert (seen.resize, seen.crop) == (37, 32)
    framed = picture.read(workspace / "photos" / "framed" / "0.png")
    assert picture.prepare(framed, seen.resize, seen.crop).max() == 0


def test_what_no_photo_can_become_is_refused(net):
    for shape, told in (
        ((3, 32, 64), "but pictures are made square"),
        ((4, 32, 32), "4 channels, and a photo has 1 or 3"),
    ):
        graph = rl.graph("cifar_resnet20", input=shape)
        with pytest.raises(LabError, match=told):
            inference.view(Pretrained("cifar_resnet20", graph, {}, ""))


def test_views_of_files_that_say_nothing(net):
    assert inference.view(load("cifar_resnet20", net)) == inference.View(37, 32, *IMAGENET)
    graph = rl.graph("resnet18")
    assert inference.view(Pretrained("resnet18", graph, {}, "")) == inference.View(256, 224, *IMAGENET)
    assert inference.view(Pretrained("resnet18", graph, {}, ""), resize=232).resize == 232


@pytest.mark.parametrize(
    "words", [("one\ntwo\n", "has 2 names, but the network has 10 classes"), (b"\xff\xfe", "cannot be read")]
)
def test_labels_that_do_not_fit(tmp_path, net, words):
    content, told = words
    file = tmp_path / "labels.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(LabError, match=f"labels.txt: {told}"):
        inference.class_names(load("cifar_resnet20", net), file)
