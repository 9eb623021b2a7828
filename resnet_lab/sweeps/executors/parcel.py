"""The files that a trial takes along to a machine with another file system, and those that it sends back."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...base.files import atomic_write
from ...blocks.opaque import homes
from ...data import DATASETS
from ...results.trial_folder import RESULT
from ...specs.plugins import helpers
from ...training.checkpoint import CHECKPOINT
from ...training.trial import Trial


def own_files(trial: Trial) -> list[Path]:
    """List the person's files that a trial reads: blocks and datasets with their helper modules, and first weights.

    The files of the data itself are not among them: each machine has its own copy of the data, or downloads it.
    """
    code = [Path(name) for name in (*homes(trial.graph), *trial.datasets)]
    found = [path for file in code for path in (file, *helpers(file))]
    if trial.train.init.weights is not None:
        found.append(Path(trial.train.init.weights))
    return list(dict.fromkeys(found))


def with_whole_paths(trial: Trial, values: Mapping[str, Any]) -> Any:
    """The JSON values of a trial, with whole paths of data that lies in the working directory.

    Args:
        trial: the trial.
        values: what `Trial.to_json` gave.
    """
    options = trial.data.options
    named = [str(options[key]) for key in DATASETS.get(trial.data.name).file_options if key in options]
    whole = {name: str(Path(name).resolve()) for name in named if Path(name).exists()}
    return {**values, "data": _renamed(values["data"], whole)}


def unpack(values: Any, files: Mapping[str, bytes], folder: Path) -> Any:
    """Write the person's files into a folder, and name them there.

    Args:
        values: the JSON values of a trial.
        files: the content of each of `own_files`, by the path that the values name.
        folder: a folder for the files; those that lay in one folder lie in one folder again.

    Returns:
        The values, with the new path in the place of each old one.
    """
    places = {}
    for name, content in files.items():
        path = Path(name)
        place = folder / hashlib.sha256(str(path.parent).encode()).hexdigest()[:8] / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_file() or place.read_bytes() != content:
            with atomic_write(place) as partial:
                partial.write_bytes(content)
        places[name] = str(place)
    return _renamed(values, places)


def _renamed(values: Any, names: Mapping[str, str]) -> Any:
    """JSON values with other texts in the place of some."""
    if isinstance(values, Mapping):
        return {key: _renamed(value, names) for key, value in values.items()}
    if isinstance(values, list):
        return [_renamed(value, names) for value in values]
    return names.get(values, values) if isinstance(values, str) else values


def changed(folder: Path, names: Collection[str] | None, sent: dict[str, int]) -> dict[str, bytes]:
    """Read the files of a folder that have changed since they were read for the last time.

    Args:
        folder: the folder of a trial.
        names: the files that count; every whole file where None.
        sent: when each file was written that was read last, in nanoseconds; this function keeps it up to date.
    """
    found = {}
    # In this order the checkpoint is read before the rows of its epochs, so that no row of its epochs is missing.
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or (names is not None and path.name not in names):
            continue
        with suppress(FileNotFoundError):  # the worker has removed the checkpoint meanwhile
            written = path.stat().st_mtime_ns
            if sent.get(path.name) != written:
                found[path.name], sent[path.name] = path.read_bytes(), written
    return found


def keep(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files that came from another machine; a checkpoint after its epochs, and the result after all others."""
    order = {CHECKPOINT: 1, RESULT: 2}
    for name in sorted(files, key=lambda name: order.get(name, 0)):
        with atomic_write(folder / Path(name).name) as partial:
            partial.write_bytes(files[name])
