"""What an experiment's `data` asks for: the files that it names, and what is known of the dataset before it is read."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..base.errors import LabError
from ..base.registry import OptionError
from ..data import DATASETS, Facts, Source
from ..specs import plugins
from ..specs.data import DataSpec, names_file
from ..specs.yamlfile import Document


def plugin(file: str, experiment: str) -> Path:
    """A Python file that an experiment names: beside it, else in the working directory."""
    beside = Path(experiment).parent / file
    return (beside if beside.is_file() else Path(file)).resolve()


def content(source: Source, facts: Facts) -> str:
    """What changes with the data: the files that options name, the code of a dataset of a person's own."""
    if plugins.is_own(source.function):
        return facts.digest
    code = Path(source.source.rpartition(":")[0]).read_bytes()
    return facts.digest + hashlib.sha256(code).hexdigest()[:12]


def image_shape(data: DataSpec, facts: Facts) -> tuple[int, int, int]:
    """Of the images that a network is given: (channels, height, width)."""
    _, height, width = facts.shape
    height, width = data.size or height, data.size or width
    assert height is not None
    assert width is not None
    return data.channels or facts.shape[0], height, width


def with_channels(data: DataSpec, facts: Facts, wanted: int) -> DataSpec:
    """Grey images get the number of channels that the variant's own input has, unless the experiment says."""
    if data.channels is not None or facts.shape[0] != 1:
        return data
    return data.model_copy(update={"channels": 1 if wanted == 1 else 3})


def located(data: DataSpec, document: Document) -> DataSpec:
    """With paths that are told from the experiment's file made whole; others are looked for elsewhere."""
    here = Path(document.file).parent
    whole = {
        key: str((here / value).resolve())
        for key, value in data.options.items()
        if names_file(key, value) and (here / value).exists()
    }
    return data.model_copy(update=whole)


def facts(data: DataSpec, document: Document) -> Facts:
    """What is known of the dataset that is asked for so.

    Raises:
        LabError: there is none, or not so, at the line of what is wrong.
    """
    if data.name not in DATASETS.entries:
        plugins.load_entry_points()
    try:
        source: Source = DATASETS.get(data.name)
    except LabError as error:
        raise document.error(("data", "name"), f"{error.message}; is a file missing from 'datasets:'?") from None
    try:
        source.check(data.options, tuple(DataSpec.model_fields))
        known = source.facts(data.options, data.size)
    except OptionError as error:
        raise error.at(*document.mark(("data", error.option) if error.option else ("data",))) from None
    except LabError as error:
        raise document.error(("data", "path" if "path" in data.options else "name"), str(error)) from None
    if data.channels == 1 and known.shape[0] != 1:
        raise document.error(
            ("data", "channels"), f"'data.channels' is 1, but dataset '{data.name}' has {known.shape[0]}"
        )
    if known.shape[1] is None and data.size is None:
        raise document.error(
            ("data",), f"dataset '{data.name}' has pictures of any size: the key 'size' is missing in 'data'"
        )
    return known
