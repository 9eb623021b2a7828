"""The augmentation of training pictures: an experiment's `data.augment`, and the registry of augmentations."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, create_model, model_validator

from ..base.errors import LabError
from ..base.registry import Entry, Registry
from .strict import Strict

_BUILT_IN = "...data.augmentations"
"""The package whose modules register our own augmentations.

The pixel arithmetic belongs to the data room, which stands above the specs. Its classes are looked up here by name, as
those of an installed plug-in are.
"""


@dataclass(frozen=True)
class AugmentationEntry(Entry):
    """A registered augmentation.

    Args:
        setting: the type of its setting, as pydantic understands it.
        bare: the setting that the name alone means, as in `[mixup]`.
        once: what the augmentation does, such as "draw a crop"; an experiment uses at most one with the same words.
    """

    setting: Any = bool
    bare: Any = True
    once: str = ""

    def checked(self, value: object) -> Any:
        """Return the checked setting. Raises pydantic's ValidationError, which names the augmentation."""
        return getattr(self._model.model_validate({self.name: value}), self.name)

    @cached_property
    def _model(self) -> type[BaseModel]:
        plain = BeforeValidator(self._plain)
        fields: dict[str, Any] = {self.name: (Annotated[self.setting, plain], ...)}
        return create_model(self.name, __base__=Strict, **fields)

    def _plain(self, value: object) -> object:
        """Replace `true`, which a name alone means, by the setting `bare`, and a list from YAML by a tuple."""
        if value is True:
            return self.bare
        return tuple(value) if isinstance(value, list) else value


AUGMENTATIONS: Registry[AugmentationEntry] = Registry("augmentation")


def augmentation(
    name: str, *, setting: Any, bare: Any, once: str = "", replace: bool = False
) -> Callable[[type], type]:
    """Register a class of augmentations (see data/augmentations/contract.py) under its name in YAML files.

    Args:
        setting: the type of its setting, as pydantic understands it; the class is called with a checked setting.
        bare: the setting that the name alone means.
        once: words such as "draw a crop": an experiment uses at most one augmentation with these words.
        replace: replace an augmentation that is already registered under this name.

    Raises:
        LabError: the name is already registered, and `replace` is False.
    """

    def register(kind: type) -> type:
        entry = AugmentationEntry("augmentation", name, kind, ("setting",), setting=setting, bare=bare, once=once)
        AUGMENTATIONS.add(entry, replace)
        return kind

    return register


class AugmentSpec(Strict):
    """The settings of the augmentations of training pictures, by name; empty if there is no augmentation.

    In a file, `[flip, {pad_crop: 4}]` and `{flip: true, pad_crop: 4}` mean the same. The order in which augmentations
    are written does not matter: they always happen in the same order (see data/augmentations/).
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _checked(cls, value: object) -> object:
        if isinstance(value, AugmentSpec):
            return value
        settings = _merged(value)
        # Augmentations that are off are left out, so that they do not enter a trial's id.
        on = {name: setting for name, setting in settings.items() if setting is not None and setting is not False}
        checked = {name: _entry(name).checked(setting) for name, setting in on.items()}
        _check_once(list(checked))
        return {name: setting for name, setting in checked.items() if setting != 0}

    @property
    def settings(self) -> dict[str, Any]:
        """The setting of each augmentation that is used, by name."""
        return dict(self.__pydantic_extra__ or {})


def _merged(value: object) -> dict[Any, Any]:
    """Turn a list such as `[flip, {pad_crop: 4}]` into the mapping `{flip: True, pad_crop: 4}`."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        raise ValueError("should be a list such as [flip, {pad_crop: 4}]")
    merged: dict[Any, Any] = {}
    for item in value:
        if not isinstance(item, (str, dict)):
            raise ValueError(f"{item!r} is neither a name nor a mapping: write [flip, {{pad_crop: 4}}]")
        for key, setting in item.items() if isinstance(item, dict) else [(item, True)]:
            if key in merged:
                raise ValueError(f"'{key}' is given twice")
            merged[key] = setting
    return merged


def _entry(name: object) -> AugmentationEntry:
    """Look an augmentation up by name, after our own have registered themselves. Raises ValueError: there is none."""
    importlib.import_module(_BUILT_IN, __name__)
    try:
        return AUGMENTATIONS.get(str(name))
    except LabError as error:
        raise ValueError(error.message) from None


def _check_once(names: list[str]) -> None:
    """Check that at most one of the augmentations with the same words in `once` is used."""
    for words in dict.fromkeys(AUGMENTATIONS.get(name).once for name in names):
        several = [name for name in names if words and AUGMENTATIONS.get(name).once == words]
        if len(several) > 1:
            raise ValueError(f"{' and '.join(several)} both {words}: use one of them")


NO_AUGMENTATION = AugmentSpec()
