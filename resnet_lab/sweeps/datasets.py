"""The dataset that an experiment's `data` asks for: its files, and what is known of it before it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..base.errors import LabError
from ..base.registry import OptionError
from ..data import DATASETS, Facts, Source
from ..data.formats.decode import DecoderName, chosen_decoder
from ..specs import plugins
from ..specs.data import DataSpec
from ..specs.yamlfile import Document


@dataclass(frozen=True)
class Found:
    """A dataset as an experiment asks for it.

    Attributes:
        data: the spec, with whole paths in the place of those that are relative to the experiment's file.
        facts: image shape, classes and count.
        contents: digests of what decides a trial's outcome and is not written in the spec: `data.path` is that of the
            content of the file or folder that the option `path` names (likewise for every file option), `dataset` the
            one that the dataset's own facts state, `dataset.code` that of a person's file that registers the dataset,
            helper modules included.
    """

    data: DataSpec
    facts: Facts
    contents: dict[str, str]


def plugin(file: str, experiment: str) -> Path:
    """The Python file that an experiment names: beside the experiment, else in the working directory."""
    beside = Path(experiment).parent / file
    return (beside if beside.is_file() else Path(file)).resolve()


def find(data: DataSpec, document: Document) -> Found:
    """Look up the dataset that an experiment asks for.

    Raises:
        LabError: There is no such dataset, or it cannot be had in this way; at the line of what is wrong.
    """
    source = _source(data, document)
    data = _located(data, source, document)
    facts = _facts(data, source, document)
    data = _with_decoder(data, source)
    return Found(data, facts, _contents(data, source, facts, document))


def _source(data: DataSpec, document: Document) -> Source:
    try:
        source = DATASETS.get(data.name)
    except LabError as error:
        raise document.error(("data", "name"), f"{error.message}; is a file missing from 'datasets:'?") from None
    try:
        source.check(data.options, tuple(DataSpec.model_fields))
    except OptionError as error:
        raise error.at(*document.mark(("data", error.option) if error.option else ("data",))) from None
    return source


def _located(data: DataSpec, source: Source, document: Document) -> DataSpec:
    """The spec with whole paths for files beside the experiment; other paths are looked for elsewhere."""
    here = Path(document.file).parent
    whole = {
        key: str((here / value).resolve())
        for key, value in data.options.items()
        if key in source.file_options and (here / value).exists()
    }
    return data.model_copy(update=whole)


def _with_decoder(data: DataSpec, source: Source) -> DataSpec:
    """The spec with the decoder that `auto` means on this machine, since the decoder decides the pixels."""
    names = source.options_of(DecoderName)
    wanted = {name: data.options.get(name, source.options[name].default) for name in names}
    return data.model_copy(update={name: chosen_decoder(decoder) for name, decoder in wanted.items()})


def _facts(data: DataSpec, source: Source, document: Document) -> Facts:
    try:
        facts = source.facts(data.options, data.size)
    except LabError as error:
        option = error.option if isinstance(error, OptionError) else None
        raise document.error(("data", option or ("path" if "path" in data.options else "name")), str(error)) from None
    if data.channels == 1 and facts.shape[0] != 1:
        raise document.error(
            ("data", "channels"), f"'data.channels' is 1, but dataset '{data.name}' has {facts.shape[0]}"
        )
    if facts.shape[1] is None and data.size is None:
        raise document.error(
            ("data",), f"dataset '{data.name}' has pictures of any size: the key 'size' is missing in 'data'"
        )
    return facts


def _contents(data: DataSpec, source: Source, facts: Facts, document: Document) -> dict[str, str]:
    try:
        found = {f"data.{name}": of_file for name, of_file in source.contents(data.options).items()}
    except LabError as error:
        option = next((name for name in source.file_options if name in data.options), "name")
        raise document.error(("data", option), str(error)) from None
    if facts.digest:
        found["dataset"] = facts.digest
    if not source.is_own:
        code = Path(source.source.rpartition(":")[0])
        if not code.is_file():
            raise document.error(
                ("data", "name"),
                f"dataset '{data.name}' is known to this session only, and trials run in processes of their own: put "
                "the dataset into a file that the experiment names in 'datasets:'",
            )
        found["dataset.code"] = plugins.digest(code)[:12]
    return found


def image_shape(data: DataSpec, facts: Facts) -> tuple[int, int, int]:
    """The shape of the images that a network is given: (channels, height, width)."""
    _, height, width = facts.shape
    height, width = data.size or height, data.size or width
    assert height is not None
    assert width is not None
    return data.channels or facts.shape[0], height, width


def with_channels(data: DataSpec, facts: Facts, wanted: int) -> DataSpec:
    """Grey images get the number of channels of the variant's own input, unless the experiment says another."""
    if data.channels is not None or facts.shape[0] != 1:
        return data
    return data.model_copy(update={"channels": 1 if wanted == 1 else 3})
