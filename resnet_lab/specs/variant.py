"""Stage specs: from a YAML file to a validated spec to a `Graph`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..base.errors import LabError
from ..base.registry import Entry, OptionError, Registry
from ..blocks.registry import BLOCKS, Block
from ..blocks.shortcuts import Kind, Shortcut
from ..blocks.stems import STEMS
from ..network.graph import Graph, GraphError, Shape
from ..network.tensor import Builder, Tensor, UnusedError
from ..ops import dense, dropout, global_avg_pool, norm, relu
from . import plugins, workspace
from .extends import STAGE_KEYS, extend, resolve
from .yamlfile import Document, KeyPath, Mark, explain

Count = Annotated[int, Field(ge=1)]


def parse_shape(text: object) -> list[int]:
    """'3x224x224' as [3, 224, 224]; a list goes through.

    Raises:
        ValueError: it is neither, or not three whole numbers of at least 1.
    """
    parts = text.split("x") if isinstance(text, str) else text
    try:
        shape = [int(part) if isinstance(part, str) else operator.index(part) for part in parts]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        shape = []
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"an input is written CxHxW, such as 3x224x224, not '{text}'")
    return shape


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _WithOptions(BaseModel):
    """What takes, beside its own keys, options of the function that it names."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})


class ShortcutSpec(_Strict):
    """How a block's shortcut changes shape; see shortcuts.py."""

    kind: Kind = "projection"
    norm: bool = True
    bias: bool = False


class StemSpec(_WithOptions):
    """`type` names a stem; further keys are its options."""

    type: str
    channels: Count


class StageSpec(_WithOptions):
    """`repeat` blocks, the first at `stride`; further keys are options of the block, `first` those of the first one."""

    block: str
    repeat: Count
    channels: Count
    stride: Count = 1
    shortcut: Annotated[ShortcutSpec, BeforeValidator(lambda v: {"kind": v} if isinstance(v, str) else v)] = (
        ShortcutSpec()
    )
    first: dict[str, Any] = {}


class HeadSpec(_Strict):
    """Global average pooling and a dense layer; `activate` puts norm and ReLU before (pre-activation nets)."""

    classes: Count
    activate: bool = False
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    bias: bool = True


class VariantSpec(_Strict):
    """A whole network, after `extends` and `every_stage` are resolved."""

    description: str = ""
    input: Annotated[list[int], BeforeValidator(parse_shape)] = [3, 224, 224]
    blocks: list[str] = []
    stem: StemSpec
    stages: Annotated[list[StageSpec], Field(min_length=1)]
    head: HeadSpec


_KNOWN = {
    "": [*VariantSpec.model_fields, "extends", "every_stage"],
    "head": list(HeadSpec.model_fields),
    "stages.*.shortcut": list(ShortcutSpec.model_fields),
}


@dataclass(frozen=True)
class Variant:
    """A validated spec with the places that its values came from."""

    name: str
    spec: VariantSpec
    document: Document

    def graph(self, input: Shape | None = None, classes: int | None = None) -> Graph:
        """Build the network.

        Args:
            input: (channels, height, width); the spec's own where None.
            classes: outputs of the head; the spec's own where None.

        Raises:
            GraphError: shapes that do not fit, with the stage's file and line.
            LabError: a block of the person's own fails.
        """
        builder = Builder()
        x = builder.input(tuple(self.spec.input if input is None else input))
        with self._placed(builder, "stem"):
            stem = STEMS.get(self.spec.stem.type)
            x = apply(stem, x, self.spec.stem.channels, **self.spec.stem.options)
        for index, stage in enumerate(self.spec.stages):
            with self._placed(builder, f"stage{index + 1}"):
                x = _stage(builder, x, stage)
        with self._placed(builder, "head"):
            x = _head(x, self.spec.head, self.spec.head.classes if classes is None else classes)
        try:
            return builder.finish(x)
        except UnusedError as error:
            raise error.at(*self._mark(error.node.partition(".")[0])) from None

    def _mark(self, scope: str) -> Mark:
        """Where the spec asks for what is in a scope: `stem`, `stage1`, ..., `head`."""
        number = scope.removeprefix("stage")
        return self.document.mark(("stages", int(number) - 1, "block") if number.isdecimal() else (scope,))

    @contextmanager
    def _placed(self, builder: Builder, scope: str) -> Iterator[None]:
        """Open a scope; an error inside stands where the spec asks for it."""
        try:
            with builder.scope(scope):
                yield
        except GraphError as error:
            raise error.at(*self._mark(scope)) from None


def _stage(builder: Builder, x: Tensor, stage: StageSpec) -> Tensor:
    entry = BLOCKS.get(stage.block)
    for index in range(stage.repeat):
        stride = stage.stride if index == 0 else 1
        options = {**stage.options, **stage.first} if index == 0 else stage.options
        way = stage.shortcut
        shortcut = Shortcut(stage.channels * entry.expansion, stride, way.kind, way.norm, way.bias)
        with builder.scope(f"block{index + 1}"):
            x = apply(entry, x, stage.channels, stride, shortcut, **options)
    return x


def _head(x: Tensor, head: HeadSpec, classes: int) -> Tensor:
    if head.activate:
        x = relu(norm(x))
    x = global_avg_pool(x)
    if head.dropout:
        x = dropout(x, head.dropout)
    return dense(x, classes, bias=head.bias)


def apply(entry: Entry, *args: Any, **options: Any) -> Tensor:
    """Apply a registered function; say which one, and where in it, when it fails."""
    function: Callable[..., Tensor] = entry if isinstance(entry, Block) else entry.function
    try:
        return function(*args, **options)
    except GraphError as error:
        if error.file is None and f"{entry.kind} '" not in error.message:
            place = entry.failure(error)
            raise GraphError(f"{error.message}; in {entry.kind} '{entry.name}', {place.file}:{place.line}") from None
        raise
    except LabError:
        raise
    except Exception as error:
        if entry.is_own:
            raise
        raise entry.failure(error) from None


def load(
    name: str,
    overrides: Mapping[str, Any] | None = None,
    *,
    beside: Path | None = None,
    marks: Mapping[str, Mark] | None = None,
) -> Variant:
    """The variant of that name or path.

    Args:
        overrides: dotted keys and values set on top, as a spec that `extends` it would;
            `every_stage.stride_on` reaches every stage.
        beside: a folder to look through first.
        marks: file and line of each override, for messages.

    Raises:
        LabError: no such variant, or the spec is wrong; with file and line.
    """
    document = resolve(workspace.find(name, "variants", beside=beside))
    title = Path(name).stem if name.endswith((".yaml", ".yml")) else Path(name).name
    for key, value in (overrides or {}).items():
        mark = (marks or {}).get(key, (f"override {key}", 0))
        overlay = Document({}, mark[0])
        overlay.put(tuple(int(part) if part.isdecimal() else part for part in key.split(".")), value, mark)
        document = extend(document, overlay)
    return validate(title, document)


def validate(name: str, document: Document) -> Variant:
    """Check a resolved document, its block files and options.

    Raises:
        LabError: the first mistake, with file and line.
    """
    document.value.pop("every_stage", None)  # it stands in each stage by now
    spec = _parsed(document)
    for index, file in enumerate(spec.blocks):
        plugins.load_file(Path(file), document.mark(("blocks", index)))
    if _drop_inherited(document):
        spec = _parsed(document)
    _check(STEMS, "stem", spec.stem.type, document, ("stem",), spec.stem.options, also=("type", "channels"))
    for index, stage in enumerate(spec.stages):
        own = {**stage.options, **stage.first} if stage.repeat == 1 else stage.options
        path: KeyPath = ("stages", index)
        _check_first(stage, document, path)
        _check(BLOCKS, "block", stage.block, document, (*path, "first"), stage.first, complete=False)
        _check(BLOCKS, "block", stage.block, document, path, own, also=STAGE_KEYS)
    return Variant(name, spec, document)


def _parsed(document: Document) -> VariantSpec:
    try:
        return VariantSpec.model_validate(document.value)
    except ValidationError as error:
        raise explain(error, document, _KNOWN) from None


def _drop_inherited(document: Document) -> bool:
    """Take out options of a replaced block that the new one does not know; says whether there were any."""
    dropped = False
    for _, index, *inside, key in document.inherited:
        stage = document.value["stages"][index]
        options = stage.get("first") or {} if inside else stage
        entry = BLOCKS.find(stage.get("block"))
        if entry is not None and key in options and key not in entry.options:
            del options[key]
            dropped = True
    return dropped


def _check_first(stage: StageSpec, document: Document, path: KeyPath) -> None:
    """`first` changes options of the block; what is the stage's own stands beside it."""
    for key in stage.first:
        if key in STAGE_KEYS:
            only = "; a stage's stride is that of its first block alone" if key == "stride" else ""
            raise document.error(
                (*path, "first", key), f"'{key}' is a key of the stage, and 'first' holds options of its block{only}"
            )


def _check(
    registry: Registry[Any],
    kind: str,
    name: str,
    document: Document,
    path: KeyPath,
    options: dict[str, Any],
    *,
    also: tuple[str, ...] = (),
    complete: bool = True,
) -> None:
    try:
        entry = registry.get(name)
    except LabError as error:
        hint = "; is a file missing from 'blocks:'?" if kind == "block" else ""
        key = "block" if kind == "block" else "type"
        raise document.error((*path[:2], key), error.message + hint) from None
    try:
        entry.check(options, also, complete=complete)
    except OptionError as error:
        where = path if error.option is None else (*path, error.option)
        raise error.at(*document.mark(where)) from None
