"""A network as a person describes it: stem, stages and head, after `extends` and `every_stage` are resolved."""

from __future__ import annotations

import operator
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ..blocks.shortcuts import Kind
from .strict import Share, Strict, Whole


def parse_shape(text: object) -> list[int]:
    """Read an image shape: '3x224x224' as [3, 224, 224]; a list is accepted too.

    Raises:
        ValueError: The value is neither, or does not hold three whole numbers of at least 1.
    """
    parts = text.split("x") if isinstance(text, str) else text
    try:
        shape = [int(part) if isinstance(part, str) else operator.index(part) for part in parts]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        shape = []
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"an input is written CxHxW, such as 3x224x224, not '{text}'")
    return shape


class _WithOptions(BaseModel):
    """A spec that has, beside its own keys, the options of the function that it names."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    @property
    def options(self) -> dict[str, Any]:
        """The options of the function: every key that is not the spec's own."""
        return dict(self.__pydantic_extra__ or {})


class ShortcutSpec(Strict):
    """The shortcut of a block where the shape changes; see blocks/shortcuts.py.

    Attributes:
        kind: how the shortcut changes the shape.
        norm: whether a norm follows a projection.
        bias: whether a projection has a bias.
    """

    kind: Kind = "projection"
    norm: bool = True
    bias: bool = False


class StemSpec(_WithOptions):
    """The layers before the stages; further keys are options of the stem.

    Attributes:
        type: the name of a registered stem.
        channels: channels of the stem's output.
    """

    type: str
    channels: Whole


def _kind_alone(value: object) -> object:
    """`shortcut: pad` as `shortcut: {kind: pad}`."""
    return {"kind": value} if isinstance(value, str) else value


class StageSpec(_WithOptions):
    """Blocks of one kind and width, one after another; further keys are options of the block.

    Attributes:
        block: the name of a registered block.
        repeat: how many blocks there are.
        channels: the width that each block is given.
        stride: the stride of the first block; the others have stride 1.
        shortcut: the shortcut of every block.
        first: options that the first block has in place of the stage's.
    """

    block: str
    repeat: Whole
    channels: Whole
    stride: Whole = 1
    shortcut: Annotated[ShortcutSpec, BeforeValidator(_kind_alone)] = ShortcutSpec()
    first: dict[str, Any] = {}


class HeadSpec(Strict):
    """Global average pooling and a dense layer.

    Attributes:
        classes: outputs of the dense layer.
        activate: whether norm and ReLU come before the pooling, as in pre-activation nets.
        dropout: rate of the dropout before the dense layer; 0 for none.
        bias: whether the dense layer has a bias.
    """

    classes: Whole
    activate: bool = False
    dropout: Share = 0.0
    bias: bool = True


class VariantSpec(Strict):
    """A whole network.

    Attributes:
        description: one line on where the network comes from.
        input: channels, height and width of an image.
        blocks: Python files that register blocks and stems.
        stem: the layers before the stages.
        stages: the stages, from the input to the head.
        head: the layers after the stages.
    """

    description: str = ""
    input: Annotated[list[int], BeforeValidator(parse_shape)] = [3, 224, 224]
    blocks: list[str] = []
    stem: StemSpec
    stages: Annotated[list[StageSpec], Field(min_length=1)]
    head: HeadSpec


KNOWN = {
    "": [*VariantSpec.model_fields, "extends", "every_stage"],
    "head": list(HeadSpec.model_fields),
    "stages.*.shortcut": list(ShortcutSpec.model_fields),
}
"""The keys that are right in each place of a spec, for messages."""
