"""A trained network for others: written, read back by whoever it is for, and compared on the same input."""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import engines
from ...base.errors import LabError, unknown
from ...base.files import put_in_place
from ...weights import safetensors
from .. import files, gluon_zoo
from ..layouts import gluon_layout, layout
from ..match import match
from ..pretrained import Pretrained, metadata
from . import onnx, write
from .fold import fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Images = NDArray[np.float32]
    Reader = Callable[[Images], Images]

FORMATS = ("safetensors", "gluon", "torch", "gluon-symbol", "onnx")
BATCHES = (1, 5)
"""The sizes that both sides are compared at."""

_MOST = 1e-3
"""How far the logits may lie apart, relative to the largest; deep nets amplify rounding."""


@dataclass(frozen=True)
class Exported:
    """What was written, who read it back, and by how much its logits differ at most, relative to the largest."""

    paths: tuple[Path, ...]
    reader: str
    difference: float


def export(net: Pretrained, to: str, path: Path, *, engine: str = "mxnet", folded: bool = False) -> Exported:
    """Write a network and check what was written.

    - `safetensors`: the weights by our names, with what they say of themselves.
    - `gluon`: a `.params` that Gluon-CV's class of that name loads; for a net that it has not, by our
      names, for a block of `resnet_lab.build`.
    - `torch`: a state dict in torchvision's layout, or by our names where that has no place for a layer.
    - `gluon-symbol`: what `HybridBlock.export` writes, PATH-symbol.json and PATH-0000.params.
    - `onnx`: opset 17, the batch open.

    Args:
        engine: whose output the reader's is compared with.
        folded: batch norms folded into convolutions (`onnx` only).

    Raises:
        LabError: a package is missing, the file cannot be written, or both sides do not agree; what was there by
            that name is then as it was.
    """
    if to not in _WRITERS:
        raise LabError(unknown("format", to, _WRITERS))
    if folded and to != "onnx":
        raise LabError("batch norms are folded into convolutions for onnx only")
    if not path.name or path.is_dir() or not path.parent.is_dir():
        raise LabError(f"'{path}' names no file in a folder that is there")
    model = engines.get(engine).build(net.graph, "cpu")
    model.load(net.arrays)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            written, reader, told = _WRITERS[to](net, Path(folder) / path.name, folded)
            difference = _difference(net, model.predict, reader)
            if not difference < _MOST:  # nor is it, where it is no number
                raise LabError(f"{told} gives other logits than the engine '{engine}': they differ by {difference:.1e}")
            done = tuple(path.parent / file.name for file in written)
            for file, final in zip(written, done, strict=True):
                put_in_place(file, final)
    except OSError as error:
        raise LabError(f"cannot be written: {error.strerror or error}", file=path) from None
    return Exported(done, told, difference)


def _difference(net: Pretrained, ours: Reader, theirs: Reader) -> float:
    """The largest difference of logits on random images, relative to the largest logit."""
    generator = np.random.default_rng(0)
    found = []
    for count in BATCHES:
        images = generator.standard_normal((count, *net.graph.input), np.float32)
        wanted = ours(images)
        if not np.isfinite(wanted).all():
            raise LabError("the network's own logits are not finite: there is nothing to compare an export with")
        found.append(float(np.abs(theirs(images) - wanted).max()) / max(float(np.abs(wanted).max()), 1e-12))
    return float(np.max(found))


_Written = tuple[tuple[Path, ...], Any, str]


def _on_engine(net: Pretrained, name: str, path: Path) -> Reader:
    """The network on an engine, with the weights of a file."""
    model = engines.get(name).build(net.graph, "cpu")
    model.load(match(net.graph, files.read(path).arrays).arrays)
    return model.predict


def _safetensors(net: Pretrained, path: Path, folded: bool) -> _Written:
    path = _suffixed(path, ".safetensors")
    safetensors.save(path, net.arrays, metadata(net))
    name = next((name for name in engines.names() if not engines.get(name).problem()), "mxnet")
    return (path,), _on_engine(net, name, path), f"the engine '{name}'"


def _gluon(net: Pretrained, path: Path, folded: bool) -> _Written:
    path = _suffixed(path, ".params")
    theirs = gluon_zoo.net(net.variant, net.graph)
    if theirs is None:
        write.gluon(path, None, net.arrays)
        return (path,), _gluon_reader(_own_block(net), path), "a GraphBlock of resnet_lab.build"
    write.gluon(path, gluon_layout(net.variant, net.graph), net.arrays)
    return (path,), _gluon_reader(theirs, path), f"Gluon-CV's {net.variant}"


def _own_block(net: Pretrained) -> Any:
    return engines.get("mxnet").build(net.graph, "cpu").block


def _gluon_reader(block: Any, path: Path) -> Reader:
    import mxnet as mx

    block.load_parameters(str(path))
    return lambda images: block(mx.nd.array(images)).asnumpy()


def _gluon_symbol(net: Pretrained, path: Path, folded: bool) -> _Written:
    model = engines.get("mxnet").build(net.graph, "cpu")
    model.load(net.arrays)
    model.predict(np.zeros((1, *net.graph.input), np.float32))  # traces the symbol
    import mxnet as mx

    model.block.export(str(path))
    symbol, params = Path(f"{path}-symbol.json"), Path(f"{path}-0000.params")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for the input's type, which the input will bring
        imported = mx.gluon.SymbolBlock.imports(str(symbol), ["data"], str(params))
    return (symbol, params), lambda images: imported(mx.nd.array(images)).asnumpy(), "gluon.SymbolBlock"


def _torch(net: Pretrained, path: Path, folded: bool) -> _Written:
    path = path if path.suffix in files.TORCH_SUFFIXES else path.with_name(path.name + ".pth")
    if engines.get("torch").problem():
        raise LabError(f"a PyTorch file is written by PyTorch: {engines.get('torch').problem()}")
    try:
        names = layout("torchvision", net.graph)
    except LabError:
        write.torch(path, None, net.arrays)
        return (path,), _on_engine(net, "torch", path), "the engine 'torch', by our names"
    write.torch(path, names, net.arrays)
    theirs = _torchvision(net, path)
    if theirs is not None:
        return (path,), theirs, f"torchvision's {_TORCHVISION[net.variant]}"
    return (path,), _on_engine(net, "torch", path), "the engine 'torch', by torchvision's names"


_TORCHVISION = {f"resnet{depth}_v1b": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)} | {
    name: name for name in ("resnext50_32x4d", "resnext101_64x4d")
}
"""Our variants that are torchvision's nets of these names."""


def _torchvision(net: Pretrained, path: Path) -> Reader | None:
    """torchvision's own net with a file's weights, where it can be imported and has the net."""
    if net.variant not in _TORCHVISION or importlib.util.find_spec("torchvision") is None:
        return None
    import torch

    try:
        import torchvision
    except (ImportError, RuntimeError):  # a build of it that does not fit this PyTorch
        return None
    (classes,) = net.graph.output
    theirs = getattr(torchvision.models, _TORCHVISION[net.variant])(num_classes=classes).eval()
    theirs.load_state_dict(torch.load(path, weights_only=True), strict=True)

    def read(images: Images) -> Images:
        with torch.inference_mode():
            return theirs(torch.from_numpy(images)).numpy()  # type: ignore[no-any-return]

    return read


def _onnx(net: Pretrained, path: Path, folded: bool) -> _Written:
    path = _suffixed(path, ".onnx")
    graph, arrays = fold(net.graph, net.arrays) if folded else (net.graph, net.arrays)
    onnx.write(path, onnx.lower(graph, arrays, metadata(net)))
    if importlib.util.find_spec("onnxruntime") is None:
        from onnx.reference import ReferenceEvaluator

        runner: Any = ReferenceEvaluator(str(path))
        told = "onnx's reference evaluator"
    else:
        import onnxruntime

        runner = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        told = "onnxruntime"
    return (path,), lambda images: runner.run(None, {"images": images})[0], told


_WRITERS: dict[str, Callable[[Pretrained, Path, bool], _Written]] = {
    "safetensors": _safetensors,
    "gluon": _gluon,
    "torch": _torch,
    "gluon-symbol": _gluon_symbol,
    "onnx": _onnx,
}


def _suffixed(path: Path, suffix: str) -> Path:
    return path if path.suffix == suffix else path.with_name(path.name + suffix)
