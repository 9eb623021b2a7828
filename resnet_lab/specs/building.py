"""From a validated spec to a network: every error stands at the stage that asks for the layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..base.entry import Entry
from ..base.errors import LabError
from ..blocks.registry import BLOCKS, Block
from ..blocks.shortcuts import Shortcut
from ..blocks.stems import STEMS
from ..network.graph import Graph, GraphError, Shape
from ..network.tensor import Builder, Tensor, UnusedError
from ..ops import dense, dropout, global_avg_pool, norm, relu
from .stages import HeadSpec, StageSpec, StemSpec, VariantSpec
from .yamlfile import Document, Mark


def build_graph(spec: VariantSpec, document: Document, input: Shape, classes: int) -> Graph:
    """Build the network that a spec describes.

    Args:
        spec: the spec.
        document: where the spec's values are written, for messages.
        input: the shape of an image, (channels, height, width).
        classes: outputs of the head.

    Raises:
        GraphError: Shapes do not fit; with the stage's file and line.
        LabError: A block of the person's own fails; with its own file and line.
    """
    builder = Builder()
    x = builder.input(input)
    with _placed(builder, document, "stem"):
        x = apply_stem(x, spec.stem)
    for index, stage in enumerate(spec.stages):
        with _placed(builder, document, f"stage{index + 1}"):
            for number in range(1, stage.repeat + 1):
                with builder.scope(f"block{number}"):
                    x = apply_block(x, stage, is_first=number == 1)
    with _placed(builder, document, "head"):
        x = apply_head(x, spec.head, classes)
    try:
        return builder.finish(x)
    except UnusedError as error:
        raise error.at(*_mark(document, error.node.partition(".")[0])) from None


@contextmanager
def _placed(builder: Builder, document: Document, scope: str) -> Iterator[None]:
    """Open a scope of the network, and give an error inside the place where the spec asks for the scope."""
    try:
        with builder.scope(scope):
            yield
    except GraphError as error:
        raise error.at(*_mark(document, scope)) from None


def _mark(document: Document, scope: str) -> Mark:
    """File and line of the key that asks for the scope `stem`, `stage1`, ... or `head`."""
    number = scope.removeprefix("stage")
    return document.mark(("stages", int(number) - 1, "block") if number.isdecimal() else (scope,))


def apply_stem(x: Tensor, stem: StemSpec) -> Tensor:
    """Append the stem to a network; raises as `apply`."""
    return apply(STEMS.get(stem.type), x, stem.channels, **stem.options)


def apply_block(x: Tensor, stage: StageSpec, is_first: bool) -> Tensor:
    """Append one block of a stage to a network; the first one has the stage's stride. Raises as `apply`."""
    entry, spec = BLOCKS.get(stage.block), stage.shortcut
    stride = stage.stride if is_first else 1
    options = {**stage.options, **stage.first} if is_first else stage.options
    shortcut = Shortcut(stage.channels * entry.expansion, stride, spec.kind, spec.norm, spec.bias)
    return apply(entry, x, stage.channels, stride, shortcut, **options)


def apply_head(x: Tensor, head: HeadSpec, classes: int) -> Tensor:
    """Append the head to a network."""
    if head.activate:
        x = relu(norm(x))
    x = global_avg_pool(x)
    if head.dropout:
        x = dropout(x, head.dropout)
    return dense(x, classes, bias=head.bias)


def apply(entry: Entry, *args: Any, **options: Any) -> Tensor:
    """Call a registered block or stem.

    Raises:
        GraphError: Shapes do not fit; the message names the block and the line of its code.
        LabError: A person's block fails in another way; with the file and line of its code.
    """
    function: Callable[..., Tensor] = entry if isinstance(entry, Block) else entry.function
    try:
        return function(*args, **options)
    except GraphError as error:
        if error.file is None and f"{entry.kind} '" not in error.message:
            file, line = entry.place(error)
            raise GraphError(f"{error.message}; in {entry.kind} '{entry.name}', {file}:{line}") from None
        raise
    except LabError:
        raise
    except Exception as error:
        if entry.is_own:
            raise
        failure = entry.failure(error)
        if isinstance(error, (AttributeError, TypeError)) and "'Tensor'" in str(error):
            failure.message += "; a block computes with the functions that 'resnet-lab list ops' shows"
        raise failure from None
