"""`resnet-lab data`, through the same `main` as a person's call."""

import dataclasses
import hashlib
import io
import pickle

import numpy as np
import pytest

from resnet_lab.base import registry
from resnet_lab.cli import app as command_line
from resnet_lab.data import Facts
from resnet_lab.data.formats import download
from resnet_lab.data.formats.download import RemoteFile
from tests.data.test_download import FILE, server  # noqa: F401 (a fixture)
from tests.data.writing import jpeg, tar


@pytest.fixture
def lab_data(monkeypatch, capsys):
    """`lab_data("check", "digits")` gives the exit status and what was printed."""

    def call(*words):
        monkeypatch.setattr("sys.argv", ["resnet-lab", "data", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            command_line.main()
        return left.value.code, capsys.readouterr()

    return call


def cifar_pickled(path) -> bytes:
    """A Python archive of CIFAR-10 in small: two pictures a part."""
    path.parent.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (2, 3072)).astype(np.uint8)
    table = pickle.dumps({"data": images, "labels": [3, 5]}, protocol=2)
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    meta = pickle.dumps({"label_names": [f"c{number}" for number in range(10)]}, protocol=2)
    tar(path, {f"c/{name}": table for name in names} | {"c/batches.meta": meta})
    return path.read_bytes()


def test_list_names_every_dataset_and_its_options(lab_data):
    code, printed = lab_data("list")
    assert code == 0
    from resnet_lab.data import DATASETS

    for name in DATASETS.entries:
        assert name in printed.out
    assert "path, test=0.2, crop=0.875, decoder=auto" in printed.out


def test_check_counts_and_names_ten_damaged_among_a_thousand(lab_data, tmp_path):
    """Ten of a thousand: cut short, emptied, or not pictures at all; each is named, and the rest are counted."""
    content = [jpeg(number, 16, 16) for number in range(20)]
    bad = {}
    for number in range(1000):
        place = tmp_path / "photos" / f"class{number % 4}" / f"{number}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content[number % 20])
        if number % 100 == 7:
            whole = content[number % 20]
            bad[place] = [whole[: len(whole) // 2], b"", b"not a picture"][number // 100 % 3]
            place.write_bytes(bad[place])
    listed = tmp_path / "bad.txt"
    code, printed = lab_data("check", "imagefolder", "--set", f"path={tmp_path / 'photos'}", "--list", listed)
    assert code == 1
    assert "10 damaged picture(s):" in printed.out
    assert len(listed.read_text().splitlines()) == 10
    for path in bad:
        assert f"  {path} cannot be decoded: " in printed.out
        assert str(path) in listed.read_text()
    rows = [line.split() for line in printed.out.splitlines()]
    assert ["train", "800", "200", "to", "200", "1.00"] in rows
    assert ["test", "200", "50", "to", "50", "1.00"] in rows
    for path in bad:
        path.unlink()
    code, printed = lab_data("check", "imagefolder", "--set", f"path={tmp_path / 'photos'}")
    assert (code, "0 damaged picture(s)" in printed.out) == (0, True)


def test_check_of_an_official_dataset_says_its_hashes(lab_data, shared_data):
    code, printed = lab_data("check", "fashion_mnist")
    assert code == 0
    assert "train-images-idx3-ubyte.gz: MD5 8d4fb7e6c68d591d4c3dfef9ec88bf0d is right" in printed.out
    assert ["train", "60000", "6000", "to", "6000", "1.00"] in [line.split() for line in printed.out.splitlines()]


@pytest.mark.parametrize("command", ["check", "fetch"])
def test_an_archive_that_holds_the_same_is_taken_where_only_it_is_at_hand(lab_data, monkeypatch, tmp_path, command):
    """CIFAR-10's Python archive in the place of the binary one: nothing is fetched."""
    content = cifar_pickled(tmp_path / "data" / "cifar10" / "cifar-10-python.tar.gz")
    monkeypatch.setenv("RESNET_LAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("RESNET_LAB_OFFLINE", "1")
    from resnet_lab.data import DATASETS, cifar

    with registry.temporary():
        (binary,) = DATASETS.get("cifar10").files
        python = RemoteFile("cifar-10-python.tar.gz", md5=hashlib.md5(content).hexdigest())
        file = dataclasses.replace(binary, instead=python)
        monkeypatch.setattr(cifar, "_CIFAR10", file)
        DATASETS.add(
            dataclasses.replace(DATASETS.get("cifar10"), files=(file,), fixed=Facts((3, 32, 32), 10, 10)), replace=True
        )
        code, printed = lab_data(command, "cifar10")
    assert code == 0, printed.err
    assert f"cifar-10-python.tar.gz: MD5 {python.md5} is right" in printed.out
    assert not list((tmp_path / "cache").rglob("cifar*"))


def test_fetch_downloads_or_says_what_to_put_where(lab_data, server, monkeypatch, tmp_path):  # noqa: F811
    from resnet_lab.data import DATASETS, dataset

    @dataset("things", shape=(1, 8, 8), classes=2, count=2, files=("things", (FILE,)))
    def things():
        """A file."""

    assert "things" in DATASETS.entries
    code, printed = lab_data("fetch", "things")
    assert code == 0
    assert f"things/f.bin: MD5 {FILE.md5} is right" in printed.out
    code, printed = lab_data("fetch", "digits")
    assert (code, "nothing to download for digits" in printed.out) == (0, True)
    code, printed = lab_data("fetch", "cifar10-jpeg")
    assert code == 2
    assert "cifar10_train.rec" in printed.err
    assert "by hand (SHA256 c67ec3" in printed.err
    code, printed = lab_data("fetch", "mnits")
    assert (code, "did you mean 'mnist'?" in printed.err) == (2, True)
    assert download.cache_folder().is_relative_to(tmp_path)


def test_show_says_what_it_is_and_draws_it(lab_data, tmp_path):
    pytest.importorskip("matplotlib")
    from PIL import Image

    file = tmp_path / "grid.png"
    augment = "augment=[{pad_crop: 4}, flip, {random_erasing: 1.0}, mixup]"
    words = ("show", "digits", "--set", "size=16", "--set", "channels=3", "--set", augment, "--plot", file)
    code, printed = lab_data(*words, "--count", 10)
    assert code == 0, printed.err
    assert "image: 3x16x16" in printed.out
    assert "classes (10): 0, 1, 2" in printed.out
    assert "train: 1437 pictures" in printed.out
    pixels = np.asarray(Image.open(io.BytesIO(file.read_bytes())).convert("L"))
    assert pixels.shape[1] > 800
    assert (pixels < 100).mean() > 0.05
    file.unlink()
    code, printed = lab_data(*words[:-1], tmp_path / "grid.nothing")
    assert (code, "cannot be drawn" in printed.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "imagefolder", "--set", "path=."), "class folder"),
        (("show", "digits", "--set", "size"), "--set takes KEY=VALUE"),
        (("show", "digits", "--set", "size=big"), "--set: 'size' is 'big': it should be a valid integer"),
        (("show", "digits", "--set", "augment=[flop]"), "'flop'"),
        (("show", "digits", "--set", "augment=[[flip]]"), "is neither a name nor a mapping"),
        (("show", "digits", "--set", "augment=[{flip: true}, flip]"), "'flip' is given twice"),
        (("show", "digits", "--set", "augment=[null]"), "is neither a name nor a mapping"),
        (("show", "digits", "--set", "depth=3"), "unknown option of dataset 'digits': 'depth'"),
        (("check", "digits", "--from", "nowhere.py"), "there is no dataset file"),
    ],
)
def test_mistakes(lab_data, words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, printed = lab_data(*words)
    assert code == 2
    assert told in printed.err
    assert "Traceback" not in printed.err
