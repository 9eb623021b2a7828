"""What several tests of engines ask for."""

import pytest

from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Sgd
from tests.conftest import engine_or_skip
from tests.engines.capturing import residual


@pytest.fixture
def make(monkeypatch):
    """Makes a model on the CPU in a compile mode, with tapes for CUDA graphs."""
    engine_or_skip("torch")
    from resnet_lab.engines.torch import model
    from tests.engines.tape import Tapes

    monkeypatch.setattr(model, "CudaGraphs", Tapes)

    def made(mode, rule=None, precision="float32", graph=None, **settings):
        graph = graph or residual()
        own = model.TorchModel(graph, "cpu", precision, mode)
        own.load(initial(graph, 0))
        own.prepare(rule or Sgd(momentum=0.9, nesterov=True), **settings)
        return own

    return made


@pytest.fixture
def gpu():
    """A pretended GPU for PyTorch (tests/pretended_gpu)."""
    engine_or_skip("torch")
    from tests.pretended_gpu import pretended_gpu

    with pretended_gpu() as gpu:
        yield gpu
