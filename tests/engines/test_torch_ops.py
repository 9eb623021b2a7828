"""The names of ops that are known without PyTorch: those that have a lowering."""

from resnet_lab import engines
from resnet_lab.blocks.opaque import OP
from resnet_lab.engines.torch import ops
from tests.conftest import engine_or_skip, heavy_imports


def test_the_list_of_ops_is_the_lowerings():
    engine_or_skip("torch")
    from resnet_lab.engines.torch.lowering import LOWERINGS

    assert (
        frozenset(LOWERINGS) - {OP} == ops.OPS == engines.get("torch").ops
    )  # `opaque` stands for a framework's own module; ops.py does not list it


def test_the_names_are_known_without_importing_pytorch():
    assert heavy_imports("from resnet_lab import engines; assert 'conv' in engines.get('torch').ops") == []
