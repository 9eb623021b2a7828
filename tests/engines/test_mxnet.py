"""The MXNet engine: the variables of the environment with which it asks for exact and for equal results on a GPU."""

import os

import pytest

from resnet_lab import LabError, engines
from resnet_lab.base import hardware

DETERMINISM, TF32 = "MXNET_ENFORCE_DETERMINISM", "NVIDIA_TF32_OVERRIDE"


class Reached(Exception):
    """The engine has come to the point where it would ask for a GPU."""


@pytest.fixture
def engine(monkeypatch):
    """The engine, without an MXNet: its first use of a GPU ends with Reached."""
    from resnet_lab.engines import mxnet

    class NoContext:
        def Context(self, kind, number):
            raise Reached

    monkeypatch.setattr(mxnet.MXNetEngine, "_import", lambda self: NoContext())
    monkeypatch.setattr(os, "environ", {**os.environ})
    os.environ.pop(TF32, None)
    return engines.get("mxnet")


def test_a_gpu_computes_float32_without_tf32(engine):
    with pytest.raises(Reached):
        engine.matrix_product(8, "cpu", "float32")
    assert TF32 not in os.environ
    with pytest.raises(Reached):
        engine.matrix_product(8, "gpu:0", "float32")
    assert os.environ[TF32] == "0"


def test_float32_is_refused_where_the_environment_turns_tf32_on(engine):
    os.environ[TF32] = "1"
    engine.check_precision("float32", "cpu")
    engine.check_precision("float16", "gpu:0")
    with pytest.raises(LabError, match="NVIDIA_TF32_OVERRIDE=1, which may turn TF32 on in the whole process"):
        engine.check_precision("float32", "gpu:0")
    os.environ[TF32] = "0"
    engine.check_precision("float32", "gpu:0,1")


@pytest.mark.parametrize("before", [None, "0"])
def test_determinism_is_asked_for_and_the_variable_is_put_back(engine, before):
    os.environ.pop(DETERMINISM, None)
    if before is not None:
        os.environ[DETERMINISM] = before
    with engine.deterministic():
        assert os.environ[DETERMINISM] == "1"
    assert os.environ.get(DETERMINISM) == before


class OneGpu:
    """An MXNet that sees one GPU."""

    class context:
        num_gpus = staticmethod(lambda: 1)


@pytest.mark.parametrize(
    ("wheel", "capability", "reason"),
    [
        ("mxnet-cu112", "8.9", ""),
        ("mxnet-cu112", "9.0", "mxnet-cu112 has no kernels for the Thing (compute capability 9.0), only up to 8.9"),
        ("mxnet-cu112", "12.0", "mxnet-cu112 has no kernels for the Thing (compute capability 12.0), only up to 8.9"),
        ("mxnet", "8.0", "the installed MXNet is the CPU build (its GPU build is the extra mxnet-cu112)"),
        (None, "9.0", ""),  # an MXNet that came with a container
    ],
)
def test_a_gpu_without_kernels_is_refused_by_its_name(monkeypatch, wheel, capability, reason):
    from resnet_lab.engines import mxnet

    monkeypatch.setattr(mxnet.MXNetEngine, "_import", lambda self: OneGpu)
    monkeypatch.setattr(mxnet.MXNetEngine, "_wheel", lambda self: wheel)
    monkeypatch.setattr(hardware, "gpus", lambda: [{"name": "Thing", "capability": capability}])
    engine = engines.get("mxnet")
    if not reason:
        assert engine.device("auto")[0] == "gpu:0"
    else:
        assert engine.device("auto")[0] == "cpu"
        assert engine.device("auto")[1].startswith(reason)
        with pytest.raises(LabError, match="the device 'gpu' cannot be used"):
            engine.device("gpu")
