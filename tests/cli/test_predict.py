"""`resnet-lab predict`: a damaged picture among others, names of classes, and mistakes."""

import json

import pytest
from PIL import Image


def test_a_damaged_picture_is_reported_and_the_others_are_done(engine, lab, tmp_path, net):
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (40, 40), "red").save(folder / "a.png")
    Image.new("L", (40, 40), 7).save(folder / "c.png")
    (folder / "b.jpg").write_bytes(b"nothing")
    plot = tmp_path / "plot.png"
    words = ("predict", "cifar_resnet20", str(folder), "--weights", str(net), "--engine", engine.name)
    done = lab(*words, "--json", "--plot", str(plot))
    assert done.returncode == 1
    assert "b.jpg: cannot be read as a picture" in done.stderr
    told = json.loads(done.stdout)
    assert ["problem" in item for item in told] == [False, True, False]
    assert [len(item["top"]) for item in told if "top" in item] == [5, 5]
    assert Image.open(plot).size[0] > 400
    (folder / "b.jpg").unlink()
    done = lab(*words, "--top", "2")
    assert done.returncode == 0
    assert done.stderr == "resnet-lab: the weights do not name the classes; --labels FILE gives them names\n"
    assert done.stdout.count("class ") == 4
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"name {index}\n" for index in range(10)))
    done = lab(*words, "--labels", str(labels))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("name ") == 10


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("predict", "cifar_resnet20", "absent.jpg"), "absent.jpg: there is no such picture"),
        (("predict", "cifar_resnet32", "."), "missing stage1.block4"),
        (("predict", "cifar_resnet20", ".", "--normalise", "0.5/0.5"), "for each of 3 channel"),
        (("predict", "cifar_resnet20", ".", "--normalise", "1,1,1/0,0,0"), "a deviation above 0"),
        (("predict", "cifar_resnet20", ".", "--crop", "40", "--resize", "30"), "a crop of 40 pixels"),
        (("predict", "cifar_resnet20", ".", "--labels", "absent.txt"), "absent.txt: cannot be read"),
        (("predict", "cifar_resnet20", ".", "--plot", "named"), "'named' names no file for a plot"),
        (("predict", "cifar_resnet20", ".", "--normalise", "nan,0,0/1,1,1"), "--normalise is imagenet, dataset"),
    ],
)
def test_mistakes_end_in_one_message(refused, words, told):
    assert told in refused(*words)
