"""Export to a state dict of PyTorch."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from ....base.errors import LabError
from ..registry import Written, export_format, on_engine

if TYPE_CHECKING:
    from ...pretrained import Pretrained
    from ..registry import Images, Reader

TORCHVISION = {f"resnet{depth}_v1b": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)} | {
    name: name for name in ("resnext50_32x4d", "resnext101_64x4d")
}
"""Our variants that are networks of torchvision, and their names there."""


@export_format("torch")
def write(net: Pretrained, path: Path) -> Written:
    """A state dict by torchvision's parameter names, or by ours if torchvision has no name for a layer."""
    from .... import engines
    from ... import files
    from ...layouts import layout
    from .. import write as writer

    path = path if path.suffix in files.TORCH_SUFFIXES else path.with_name(path.name + ".pth")
    problem = engines.get("torch").problem()
    if problem:
        raise LabError(f"a PyTorch file is written by PyTorch: {problem}")
    try:
        names = layout("torchvision", net.graph)
    except LabError:
        writer.torch(path, None, net.arrays)
        return Written((path,), on_engine(net, "torch", path), "the engine 'torch', by our names")
    writer.torch(path, names, net.arrays)
    torchvision = _torchvision(net, path)
    if torchvision is not None:
        return Written((path,), torchvision, f"torchvision's {TORCHVISION[net.variant]}")
    return Written((path,), on_engine(net, "torch", path), "the engine 'torch', by torchvision's names")


def _torchvision(net: Pretrained, path: Path) -> Reader | None:
    """torchvision's own network with the weights of the file; None if torchvision is missing or has no such network."""
    if net.variant not in TORCHVISION or importlib.util.find_spec("torchvision") is None:
        return None
    import torch

    try:
        import torchvision
    except (ImportError, RuntimeError):  # a build of torchvision for another version of PyTorch
        return None
    (classes,) = net.graph.output
    model = getattr(torchvision.models, TORCHVISION[net.variant])(num_classes=classes).eval()
    model.load_state_dict(torch.load(path, weights_only=True), strict=True)

    def predict(images: Images) -> Images:
        with torch.inference_mode():
            return model(torch.from_numpy(images)).numpy()  # type: ignore[no-any-return]

    return predict
