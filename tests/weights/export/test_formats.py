"""The formats: who reads each back, and whose names and shapes it has."""

import pytest

from resnet_lab.weights.export import export
from tests.conftest import engine_or_skip
from tests.weights.export.test_checked import net


@pytest.mark.parametrize(
    ("name", "to", "reader"),
    [
        ("resnet50_v1d", "gluon", "Gluon-CV's resnet50_v1d"),
        ("cifar_resnet20_v1", "gluon", "Gluon-CV's cifar_resnet20_v1"),
        ("cifar_resnet20", "gluon", "a GraphBlock of resnet_lab.build"),
        ("resnet18_v2", "torch", "the engine 'torch', by our names"),
        ("resnet50_v1d", "torch", "the engine 'torch', by torchvision's names"),
        ("cifar_resnet20", "onnx", "onnxruntime"),
    ],
)
def test_who_reads_it(tmp_path, name, to, reader):
    engine_or_skip("mxnet")
    engine_or_skip("torch")
    assert export(net(name), to, tmp_path / "net").reader == reader
