"""Export to Gluon's `.params`: Gluon-CV's names for its own networks, ours for all others."""

import numpy as np
import pytest

from resnet_lab.weights import gluon_params
from resnet_lab.weights.export import export
from resnet_lab.weights.layouts import gluon_layout
from tests.conftest import engine_or_skip, gluoncv
from tests.weights.export.test_checked import net


def test_a_variant_of_ones_own_by_gluons_name_is_not_gluons(tmp_path, workspace):
    engine_or_skip("mxnet")
    pytest.importorskip("onnx")
    text = "extends: cifar_resnet20\nstages: {1: {channels: 24}}\n"
    (workspace / "variants" / "cifar_resnet20_v1.yaml").write_text(text)
    assert export(net("cifar_resnet20_v1"), "gluon", tmp_path / "net").reader.startswith("a GraphBlock")


def test_a_network_that_gluon_cv_has_gets_its_names(tmp_path):
    engine_or_skip("mxnet")
    gluoncv()
    trained = net("cifar_resnet20_v1")
    names = gluon_layout("cifar_resnet20_v1", trained.graph)
    stored = gluon_params.read(export(trained, "gluon", tmp_path / "net").paths[0])
    assert stored.keys() == {*names.arrays.values(), *names.constants}
    assert all(np.array_equal(stored[theirs], trained.arrays[own]) for own, theirs in names.arrays.items())
    assert set(stored).isdisjoint(trained.arrays)


def test_another_network_keeps_our_names(tmp_path):
    engine_or_skip("mxnet")
    trained = net("cifar_resnet20")
    (path,) = export(trained, "gluon", tmp_path / "net").paths
    stored = gluon_params.read(path)
    assert path.name == "net.params"
    assert stored.keys() == trained.arrays.keys()
    assert all(np.array_equal(stored[name], array) for name, array in trained.arrays.items())
