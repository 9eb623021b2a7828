"""Settings on the command line: `KEY=VALUE`, the value as YAML."""

from __future__ import annotations

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
