"""The folder of one trial, `trials/ID`: its result, a second training that will replace it, and damaged files.

A trial that is run anew although it has a result is trained in `trials/ID.fresh`. When the new result is whole, the
two folders change places: ID becomes ID.old, ID.fresh becomes ID, and ID.old is removed. `recover` finishes or undoes
such a change that was cut off.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ..base.files import read_json

RESULT, EPOCHS, CONFIG, LOG = "result.json", "epochs.json", "trial.json", "log.txt"
DONE = ("ok", "diverged")
"""How a trial ends that a new run would only repeat."""

STOPPED = "stopped"
"""How a trial ends that was stopped before its last epoch, and goes on from its checkpoint if it is run again."""

FRESH, _OLD = ".fresh", ".old"


def status_of(folder: Path) -> str | None:
    """How the trial of a folder ended; None where it has no result, or a damaged one."""
    try:
        result = read_json(folder / RESULT)
    except (OSError, ValueError):
        return None
    return result.get("status") if isinstance(result, dict) else None


def has_result(folder: Path) -> bool:
    """Whether a trial's folder holds a result that a new run would only repeat; a damaged result is none."""
    return status_of(folder) in DONE


def read_or_set_aside(path: Path, kind: type, consequence: str, notes: list[str]) -> Any:
    """The value of a JSON file; a damaged file is renamed, so that it costs one trial and blocks no other.

    Args:
        path: the file.
        kind: `dict` or `list`: what the file holds.
        consequence: what follows from the damage, for the message.
        notes: receives the message about a damaged file, which gets `.damaged` behind its name.

    Returns:
        The value; None where there is no such file, or where it is damaged.
    """
    try:
        value = read_json(path)
        if isinstance(value, kind):
            return value
        problem = f"it holds no {'mapping' if kind is dict else 'list'}"
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:  # no JSON, or no text
        problem = str(error)
    path.replace(path.with_name(f"{path.name}.damaged"))
    notes.append(f"{path} is damaged ({problem}) and was renamed to {path.name}.damaged; {consequence}")
    return None


def is_cut_off(path: Path) -> bool:
    """Whether a JSON file of ours lacks its end; only the last two bytes are read."""
    try:
        with path.open("rb") as stream:
            stream.seek(-2, 2)
            return stream.read() not in (b"}\n", b"]\n")
    except FileNotFoundError:
        return False
    except OSError:  # shorter than two bytes
        return True


def begin_fresh(folder: Path) -> Path:
    """Make the empty folder in which a trial that has a result is trained anew."""
    fresh = folder.with_name(folder.name + FRESH)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    return fresh


def replace_by_fresh(folder: Path) -> None:
    """Put the new training in the place of the older one."""
    old = folder.with_name(folder.name + _OLD)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    folder.with_name(folder.name + FRESH).replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def recover(trials: Path) -> None:
    """Finish or undo every replacement that was cut off, and remove trainings anew that were not finished."""
    for old in sorted(trials.glob(f"*{_OLD}")):
        folder = old.with_name(old.name.removesuffix(_OLD))
        fresh = folder.with_name(folder.name + FRESH)
        if not folder.exists() and not has_result(fresh):
            old.replace(folder)
    for fresh in sorted(trials.glob(f"*{FRESH}")):
        if has_result(fresh):
            replace_by_fresh(fresh.with_name(fresh.name.removesuffix(FRESH)))
        else:
            shutil.rmtree(fresh, ignore_errors=True)
    for old in sorted(trials.glob(f"*{_OLD}")):
        shutil.rmtree(old, ignore_errors=True)
