"""The key `trackers` of an experiment: which programs show the sweep while it runs."""

from __future__ import annotations


def expand(value: object) -> object:
    """Read `tensorboard`, `[tensorboard]` or `{mlflow: {uri: ...}}` as options by the name of the tracker."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: {} for name in value}
    if isinstance(value, dict):
        return {name: {} if options is None else options for name, options in value.items()}
    return value
