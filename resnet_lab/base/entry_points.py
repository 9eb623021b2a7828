"""Installed packages that add to resnet-lab: a package names a module in the entry-point group `resnet_lab.plugins`.

The module registers what it adds (blocks, stems, datasets, ...) when it is imported. A registry imports these modules
itself when a name is missing from it or when its entries are listed, so a command that needs no plug-in imports none.
"""

from __future__ import annotations

from .errors import LabError

GROUP = "resnet_lab.plugins"

_loaded = False


def load() -> None:
    """Import the plug-ins of every installed package, once in a process.

    Raises:
        LabError: A plug-in fails; the message names its entry point. The next call tries again.
    """
    global _loaded
    if _loaded:
        return
    _loaded = True  # set first: a plug-in looks names up while it is imported
    from importlib import metadata

    for point in metadata.entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:
            _loaded = False
            reason = error if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
            raise LabError(f"the entry point '{point.name}' ({point.value}) of {GROUP} fails: {reason}") from error
