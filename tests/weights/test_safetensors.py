"""Safetensors files: arrays and metadata come back, and damage is a message."""

import numpy as np
import pytest

from resnet_lab import LabError
from resnet_lab.weights import safetensors


def test_arrays_and_metadata_come_back(tmp_path):
    arrays = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.ones((2, 2), np.float32).T}
    safetensors.save(tmp_path / "net.safetensors", arrays, {"variant": "x"})
    back = safetensors.load(tmp_path / "net.safetensors")
    assert back.keys() == arrays.keys()
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays)
    assert safetensors.metadata(tmp_path / "net.safetensors") == {"variant": "x"}


@pytest.mark.parametrize("read", [safetensors.load, safetensors.metadata])
def test_a_cut_off_file_is_a_message(tmp_path, read):
    path = tmp_path / "net.safetensors"
    safetensors.save(path, {"a": np.ones(100, np.float32)})
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(LabError, match="net.safetensors: cannot be read as safetensors"):
        read(path)
    with pytest.raises(LabError, match="absent.safetensors: cannot be read"):
        read(tmp_path / "absent.safetensors")
