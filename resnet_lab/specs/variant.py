"""Variants: stage specs that are read, checked, and built into networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..base.entry import OptionError
from ..base.errors import LabError
from ..base.registry import Registry
from ..blocks.registry import BLOCKS
from ..blocks.stems import STEMS
from ..network.graph import Graph, Shape
from . import plugins, workspace
from .building import build_graph
from .explain import explain
from .extends import STAGE_KEYS, put_on, resolve
from .stages import KNOWN, StageSpec, VariantSpec
from .yamlfile import Document, KeyPath, Mark


@dataclass(frozen=True)
class Variant:
    """A validated spec.

    Attributes:
        name: the variant's name, or the name of its file.
        spec: the spec, after `extends` and `every_stage` are resolved.
        document: where each value of the spec is written.
    """

    name: str
    spec: VariantSpec
    document: Document = field(repr=False)

    def graph(self, input: Shape | None = None, classes: int | None = None) -> Graph:
        """Build the network.

        Args:
            input: (channels, height, width); the spec's own where None.
            classes: outputs of the head; the spec's own where None.

        Raises:
            GraphError: Shapes do not fit; with the stage's file and line.
            LabError: A block of the person's own fails.
        """
        shape = tuple(self.spec.input if input is None else input)
        return build_graph(self.spec, self.document, shape, self.spec.head.classes if classes is None else classes)

    def takes(self, key: str) -> bool:
        """Whether an override changes the spec: false only for an option that none of the blocks takes."""
        places = _option_places(key, len(self.spec.stages))
        return not places or any(place[-1] in BLOCKS.get(self.spec.stages[place[1]].block).options for place in places)


def load(
    name: str,
    overrides: Mapping[str, Any] | None = None,
    *,
    beside: Path | None = None,
    marks: Mapping[str, Mark] | None = None,
    where_taken: bool = False,
) -> Variant:
    """Read and check a variant.

    Args:
        name: the variant's name, or the path of its file.
        overrides: dotted keys and values that change the spec as another spec that `extends` it would;
            `every_stage.stride_on` reaches every stage.
        beside: a folder to look for the variant in first.
        marks: file and line of each override, for messages.
        where_taken: whether an override of a block's option reaches only the stages whose block takes the option.
            Otherwise the option is refused in every other stage.

    Raises:
        LabError: There is no such variant, or the spec is wrong; with file and line.
    """
    document = resolve(workspace.find(name, "variants", beside=beside))
    return validate(workspace.title(name), changed(document, overrides or {}, marks, where_taken))


def changed(
    document: Document, overrides: Mapping[str, Any], marks: Mapping[str, Mark] | None = None, where_taken: bool = False
) -> Document:
    """Put overrides on top of a resolved document, which is left as it is; `load` describes the arguments."""
    document = document.copy()
    for key, value in overrides.items():
        mark = (marks or {}).get(key, (f"override {key}", 0))
        overlay = Document({}, mark[0])
        overlay.put(tuple(int(part) if part.isdecimal() else part for part in key.split(".")), value, mark)
        put_on(document, overlay)
        if where_taken:
            document.inherited |= _option_places(key, len(document.value.get("stages") or ()))
    return document


def _option_places(key: str, stages: int) -> set[tuple[Any, ...]]:
    """The places of a spec where an override sets an option of a block; empty if the key is no such option.

    Args:
        key: the dotted key of the override: `every_stage.OPTION` or `stages.NUMBER.OPTION`, `first.` before the option.
        stages: the number of stages of the spec.
    """
    outer, *inside = key.split(".")
    numbers: Iterable[int] = range(stages)
    if outer == "stages" and inside and inside[0].isdecimal():
        numbers = [int(inside.pop(0)) - 1]
    elif outer != "every_stage":
        return set()
    end = 2 if inside[:1] == ["first"] else 1
    if len(inside) < end or (end == 1 and inside[0] in STAGE_KEYS):
        return set()
    return {("stages", number, *inside[:end]) for number in numbers}


def validate(name: str, document: Document) -> Variant:
    """Check a resolved document, its block files and its options.

    Raises:
        LabError: The first mistake, with file and line.
    """
    document.value.pop("every_stage", None)  # each stage has these values by now
    spec = _parsed(document)
    for index, file in enumerate(spec.blocks):
        plugins.load_file(Path(file), document.mark(("blocks", index)))
    if _drop_inherited(document):
        spec = _parsed(document)
    _check(STEMS, spec.stem.type, document, ("stem",), spec.stem.options, also=("type", "channels"))
    for index, stage in enumerate(spec.stages):
        _check_stage(stage, document, ("stages", index))
    return Variant(name, spec, document)


def _parsed(document: Document) -> VariantSpec:
    try:
        return VariantSpec.model_validate(document.value)
    except ValidationError as error:
        raise explain(error, document, KNOWN) from None


def _drop_inherited(document: Document) -> bool:
    """Remove options of a replaced block that the new block does not take.

    Returns:
        Whether an option was removed.
    """
    dropped = False
    for _, index, *inside, key in document.inherited:
        stage = document.value["stages"][index]
        options = stage.get("first") or {} if inside else stage
        entry = BLOCKS.find(stage.get("block"))
        if entry is not None and key in options and key not in entry.options:
            del options[key]
            dropped = True
    return dropped


def _check_stage(stage: StageSpec, document: Document, path: KeyPath) -> None:
    for key in stage.first:
        if key in STAGE_KEYS:
            only = "; a stage's stride is that of its first block alone" if key == "stride" else ""
            raise document.error(
                (*path, "first", key), f"'{key}' is a key of the stage, and 'first' holds options of its block{only}"
            )
    _check(BLOCKS, stage.block, document, (*path, "first"), stage.first, complete=False)
    options = {**stage.options, **stage.first} if stage.repeat == 1 else stage.options
    _check(BLOCKS, stage.block, document, path, options, also=STAGE_KEYS)


def _check(
    registry: Registry[Any],
    name: str,
    document: Document,
    path: KeyPath,
    options: dict[str, Any],
    *,
    also: tuple[str, ...] = (),
    complete: bool = True,
) -> None:
    """Check the name of a block or a stem, and its options; see `Entry.check`."""
    try:
        entry = registry.get(name)
    except LabError as error:
        key = "block" if registry is BLOCKS else "type"
        raise document.error((*path[:2], key), error.message + _hint(registry.kind, name, document)) from None
    try:
        entry.check(options, also, complete=complete)
    except OptionError as error:
        missing = (*path, "block" if registry is BLOCKS else "type")
        where = missing if error.option is None else (*path, error.option)
        raise error.at(*document.mark(where)) from None


def _hint(kind: str, name: str, document: Document) -> str:
    """What may be wrong if a block or a stem is not known: a file is not named, or none registers this name."""
    files = ", ".join(Path(file).name for file in document.value.get("blocks", []))
    if not files:
        return "; is a file missing from 'blocks:'?"
    return f"; the files of 'blocks:' ({files}) do not register it: is @{kind}(\"{name}\") missing above its function?"
