"""Settings by dotted keys: `KEY=VALUE` on the command line, the value as YAML, and short forms of keys for tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..base.errors import LabError
from .yamlfile import scalar


def parse(text: str, option: str = "--set", example: str = "train.epochs=10") -> tuple[str, Any]:
    """The key and the value of a setting such as `train.epochs=10`.

    Args:
        text: the setting as a person typed it.
        option: the option of the command line that takes it, for messages.
        example: a correct setting, for messages.

    Raises:
        LabError: The text has no `=` or no key, or its value is no valid YAML.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise LabError(f"{option} takes KEY=VALUE, such as {example}, not '{text}'")
    try:
        return key.strip(), scalar(value)
    except LabError as error:
        raise LabError(f"{option} {text}: {error.message}") from None


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """As few of the last parts of each dotted key as tell the keys apart.

    Args:
        keys: keys such as `train.optimizer.lr`, `variant.stages.1.repeat` and `variant.stages.2.repeat`.

    Returns:
        A mapping from each key to its short form: `lr`, `1.repeat` and `2.repeat`.
    """
    split = {key: key.split(".") for key in keys}
    short = {}
    for key, parts in split.items():
        for length in range(1, len(parts) + 1):
            short[key] = ".".join(parts[-length:])
            if sum(other[-length:] == parts[-length:] for other in split.values()) == 1:
                break
    return short
