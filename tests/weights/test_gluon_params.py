"""Gluon's files without MXNet: the same bytes as `mx.nd.save`, and damage told."""

import numpy as np
import pytest

from resnet_lab import LabError
from resnet_lab.weights import gluon_params
from tests.conftest import engine_or_skip

ARRAYS = {
    "features.0.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "half": np.array([1.5, -2], np.float16),
    "double": np.array([[0.1]]),
    "whole": np.array([3, 4], np.int64),
    "ümlaut": np.array([7], np.uint8),
}


def test_bytes_are_mxnets(tmp_path):
    engine_or_skip("mxnet")
    import mxnet as mx

    mx.nd.save(
        str(tmp_path / "theirs"), {name: mx.nd.array(value, dtype=value.dtype) for name, value in ARRAYS.items()}
    )
    gluon_params.write(tmp_path / "ours", ARRAYS)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_there_and_back_without_mxnet(tmp_path):
    gluon_params.write(tmp_path / "a.params", {f"arg:{name}": value for name, value in ARRAYS.items()})
    back = gluon_params.read(tmp_path / "a.params")
    assert list(back) == list(ARRAYS)
    for name, value in ARRAYS.items():
        assert back[name].dtype == value.dtype
        assert np.array_equal(back[name], value)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_told(tmp_path, share):
    gluon_params.write(tmp_path / "a.params", ARRAYS)
    content = (tmp_path / "a.params").read_bytes()
    (tmp_path / "a.params").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(LabError, match=r"a\.params: is (damaged|no \.params file)"):
        gluon_params.read(tmp_path / "a.params")
