"""Gluon-CV's pretrained weights, by way of its own model store."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import engines
from ..base.errors import LabError, unknown
from ..data.sources.cifar import CIFAR10_CLASSES
from ..engines.mxnet import INSTALL, compat
from ..network.graph import Graph
from ..specs import workspace
from .layouts import gluon_layout

_PATIENCE = 30.0
"""Seconds that a silent server is waited for."""


@contextlib.contextmanager
def importable() -> Iterator[None]:
    """Inside, `import gluoncv` works beside PyTorch 2, which Gluon-CV refuses, wrongly: it is hidden meanwhile.

    Pillow still refuses truncated pictures afterwards, which Gluon-CV's import would change for all.

    Raises:
        LabError: Gluon-CV or MXNet cannot be imported here.
    """
    problem = engines.get("mxnet").problem()
    if problem:
        raise LabError(f"Gluon-CV's nets are MXNet's: {problem}")
    if importlib.util.find_spec("gluoncv") is None:
        raise LabError(f"Gluon-CV is not installed: {INSTALL}")
    compat.install()
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
    """Gluon-CV's own net of that name, a HybridBlock without weights; None where it has none, or another.

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
    except LabError:  # a variant of one's own by that name
        return None
    own = {other: graph.parameters[name].shape for name, other in layout.arrays.items()}
    own |= {name: (length,) for name, (length, _) in layout.constants.items()}
    return theirs if own == shapes else None


def fetch(variant: str) -> Path:
    """The file of pretrained weights of the net of that name, downloaded where it is not there, its SHA-1 checked.

    Raises:
        LabError: there are none, or they cannot be had; says where to put a file by hand.
    """
    with importable():
        from gluoncv.model_zoo import model_store
    if variant not in model_store._model_sha1:
        known = [name for name in workspace.names("variants") if name in model_store._model_sha1]
        raise LabError(unknown("net with weights at Gluon-CV", variant, known))
    sha1 = model_store._model_sha1[variant]
    home = Path(os.environ["MXNET_HOME"]) if "MXNET_HOME" in os.environ else Path.home() / ".mxnet"
    try:
        # What it tells of its progress must not mix with our output.
        with contextlib.redirect_stdout(sys.stderr), _patient():
            return Path(model_store.get_model_file(variant, root=str(home / "models")))
    except Exception as error:  # requests', zipfile's, the store's own
        source = os.environ.get("MXNET_GLUON_REPO", "its own source")
        raise LabError(
            f"the weights of {variant} cannot be had from {source}: {type(error).__name__}: {error}; put "
            f"{variant}-{sha1[:8]}.params (SHA-1 {sha1}) into {home / 'models'} by hand, or name another source in "
            "MXNET_GLUON_REPO"
        ) from None


def trained_on(variant: str) -> dict[str, Any]:
    """What Gluon-CV's CIFAR-10 nets expect of their images; nothing for those of ImageNet, which is the default.

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
