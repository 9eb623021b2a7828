"""Gluon-CV's networks and their pretrained weights."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import engines
from ..base.errors import LabError, unknown
from ..data.formats import download
from ..data.sources.cifar import CIFAR10_CLASSES
from ..engines.mxnet import INSTALL
from ..network.graph import Graph
from ..specs import workspace
from . import files
from .layouts import gluon_layout

_PATIENCE = 30.0
"""Seconds after which a server that sends nothing is given up."""


@contextlib.contextmanager
def importable() -> Iterator[None]:
    """Make `import gluoncv` work inside this context.

    Gluon-CV refuses to be imported where PyTorch 2 is installed, although it works; so PyTorch is hidden meanwhile. Its
    import also makes Pillow accept truncated pictures for the whole process; this is undone afterwards.

    Raises:
        LabError: Gluon-CV or MXNet cannot be imported here.
    """
    problem = engines.get("mxnet").problem()
    if problem:
        raise LabError(f"Gluon-CV needs MXNet: {problem}")
    if importlib.util.find_spec("gluoncv") is None:
        raise LabError(f"Gluon-CV is not installed: {INSTALL}")
    from PIL import ImageFile

    missing, truncated = object(), ImageFile.LOAD_TRUNCATED_IMAGES
    before: Any = sys.modules.get("torch", missing)
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = truncated
        if before is missing:
            del sys.modules["torch"]
        else:
            sys.modules["torch"] = before


def net(variant: str, graph: Graph) -> Any | None:
    """Make Gluon-CV's own network of a name, without weights.

    Args:
        variant: The name.
        graph: Our network of this name.

    Returns:
        A HybridBlock; None if Gluon-CV has no network of this name, or if its arrays have other shapes than ours.

    Raises:
        LabError: Gluon-CV cannot be imported here.
    """
    with importable():
        from gluoncv.model_zoo.model_zoo import _models
    if variant not in _models:
        return None
    import mxnet as mx

    (classes,) = graph.output
    theirs = _models[variant](pretrained=False, classes=classes)
    theirs.initialize()
    theirs(mx.nd.zeros((1, *graph.input)))
    shapes = {name: parameter.shape for name, parameter in theirs._collect_params_with_prefix().items()}
    try:
        layout = gluon_layout(variant, graph)
    except LabError:  # a variant that a person wrote under this name
        return None
    own = {other: graph.parameters[name].shape for name, other in layout.arrays.items()}
    own |= {name: (length,) for name, (length, _) in layout.constants.items()}
    return theirs if own == shapes else None


def fetch(variant: str) -> Path:
    """Find the file of Gluon-CV's pretrained weights, or download it; its SHA-1 is checked.

    The file is looked for in `files.folders()` and in Gluon-CV's own folder, ~/.mxnet/models, or models in $MXNET_HOME.

    Raises:
        LabError: Gluon-CV has no weights for a network of this name, or they cannot be downloaded; the message says
            where to put the file by hand.
    """
    with importable():
        from gluoncv.model_zoo import model_store
    if variant not in model_store._model_sha1:
        known = [name for name in workspace.names("variants") if name in model_store._model_sha1]
        raise LabError(unknown("network with weights at Gluon-CV", variant, known))
    sha1 = model_store._model_sha1[variant]
    name = f"{variant}-{sha1[:8]}.params"
    home = Path(os.environ["MXNET_HOME"]) if "MXNET_HOME" in os.environ else Path.home() / ".mxnet"
    for folder in (*files.folders(), home / "models"):
        if (folder / name).is_file() and _sha1(folder / name) == sha1:
            return folder / name
    by_hand = f"put {name} (SHA-1 {sha1}) into {home / 'models'} by hand"
    if download.offline():
        raise LabError(f"{name} is not on this machine, and RESNET_LAB_OFFLINE forbids downloads: {by_hand}")
    try:
        # Gluon-CV prints its progress to standard output, where it would mix with ours.
        with contextlib.redirect_stdout(sys.stderr), _patient():
            return Path(model_store.get_model_file(variant, root=str(home / "models")))
    except Exception as error:  # errors of requests, of zipfile and of Gluon-CV itself
        source = os.environ.get("MXNET_GLUON_REPO", "Gluon-CV's own server")
        raise LabError(
            f"the weights of {variant} cannot be downloaded from {source}: {type(error).__name__}: {error}; {by_hand}, "
            "or name another server in MXNET_GLUON_REPO"
        ) from None


def _sha1(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


def trained_on(variant: str) -> dict[str, Any]:
    """The normalisation, crop and classes of Gluon-CV's CIFAR-10 networks; empty for ImageNet, which is the default.

    Source: dmlc/gluon-cv, scripts/classification/cifar/train_cifar10.py.
    """
    if not variant.startswith("cifar_"):
        return {}
    return {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2023, 0.1994, 0.2010), "crop": 1.0, "classes": CIFAR10_CLASSES}


@contextlib.contextmanager
def _patient() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
