"""Files of weights as others write them, and files that are none."""

import os
import pickle

import numpy as np
import pytest

from resnet_lab import LabError
from resnet_lab.weights import files

STATE = {"conv1.weight": np.ones((2, 3, 1, 1), np.float32), "fc.bias": np.zeros(2, np.float32)}


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("suffix", files.TORCH_SUFFIXES)
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "module.model."])
def test_what_training_scripts_put_around_the_weights(torch, tmp_path, suffix, wrapper, prefix):
    state = {prefix + name: torch.from_numpy(value) for name, value in STATE.items()}
    state[prefix + "bn1.num_batches_tracked"] = torch.tensor(3)
    saved = state if wrapper is None else {"epoch": 3, wrapper: state, "best_prec1": 91.2}
    torch.save(saved, tmp_path / f"net{suffix}")
    read = files.read(tmp_path / f"net{suffix}").arrays
    assert read.keys() == STATE.keys()
    assert all(np.array_equal(read[name], STATE[name]) for name in STATE)


def test_halves_become_float32(torch, tmp_path):
    torch.save({"a.weight": torch.ones(2, 2).bfloat16(), "b.weight": torch.ones(2).half()}, tmp_path / "net.pt")
    read = files.read(tmp_path / "net.pt").arrays
    assert {array.dtype for array in read.values()} == {np.dtype(np.float32)}


class Malice:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(torch, tmp_path, how):
    marker, path = tmp_path / "ran", tmp_path / "evil.pth"
    content = {"state_dict": {"conv1.weight": torch.ones(1)}, "extra": Malice(marker)}
    if how == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    pickle.loads(pickle.dumps(Malice(tmp_path / "proof")))
    assert (tmp_path / "proof").exists()  # it does run where it is let
    with pytest.raises(LabError, match="refused"):
        files.read(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("net.pth", b"not a file of PyTorch's", "cannot be read as a file of PyTorch|refused"),
        ("net.params", b"\x12\x01", "no .params file"),
        ("net.safetensors", b"{}", "cannot be read as safetensors"),
        ("net.h5", b"", "is no weights file by its suffix"),
        ("absent.pth", None, "there is no such weights file"),
    ],
)
def test_a_file_that_is_none(tmp_path, name, content, message):
    if name.endswith("pth"):
        pytest.importorskip("torch")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(LabError, match=message) as caught:
        files.read(tmp_path / name)
    assert caught.value.file == tmp_path / name


def test_what_holds_no_floating_point_weights(torch, tmp_path):
    torch.save({"a.weight": torch.ones(2, dtype=torch.int8)}, tmp_path / "net.pth")
    with pytest.raises(LabError, match="'a.weight' holds int8"):
        files.read(tmp_path / "net.pth")
    torch.save({"epoch": 3}, tmp_path / "net.pth")
    with pytest.raises(LabError, match="'epoch' is no tensor"):
        files.read(tmp_path / "net.pth")
    torch.save({"bn1.num_batches_tracked": torch.tensor(1)}, tmp_path / "net.pth")
    with pytest.raises(LabError, match="holds no weights"):
        files.read(tmp_path / "net.pth")


def test_a_file_is_also_looked_for_among_the_data(tmp_path, monkeypatch):
    """First beside the experiment, then in the working directory, in RESNET_LAB_DATA and in its folder weights."""
    here, data = tmp_path / "here", tmp_path / "data"
    (data / "weights").mkdir(parents=True)
    (here / "beside").mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("RESNET_LAB_DATA", str(data))
    with pytest.raises(LabError, match=f"no weights file 'net.pth' in any of these folders: {here}, {data}, "):
        files.find("net.pth")
    for place in (data / "weights", data, here, here / "beside"):
        (place / "net.pth").write_bytes(b"")
        assert files.find("net.pth", first=here / "beside").resolve() == place / "net.pth"
    with pytest.raises(LabError, match="there is no weights file '.*nowhere.pth'$"):
        files.find(tmp_path / "nowhere.pth")
