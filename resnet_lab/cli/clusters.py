"""The options --ray and --slurm, whose values may be left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ..base.errors import LabError

RayText = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="[ADDRESS]",
        help="Run the trials on the Ray cluster at HOST:PORT; without an address, on one that is started on this "
        "machine and ends with the run.",
    ),
]
SlurmText = Annotated[
    str | None,
    typer.Option(
        "--slurm",
        metavar="[KEY=VALUE,...]",
        help="Run the trials as one job array of SLURM, with these options of sbatch, such as partition=gpu,time=2h.",
    ),
]

_VALUES = {"--ray": r"auto|local|[^/\s]*:[^\s]+", "--slurm": r"[\w-]+=.*"}
"""What the value of each option looks like; any other word is the next argument."""

_TAKES = {"--ray": "HOST:PORT", "--slurm": "KEY=VALUE, such as partition=gpu"}

_WrongUsage: type[Exception] = typer.BadParameter.__mro__[1]
"""The class of every mistake in the use of options and arguments; typer does not export it."""

_WITHOUT_VALUE = {"--ray": "local", "--slurm": ""}


class Command(TyperCommand):
    """A command whose options --ray and --slurm may stand without a value, which typer does not offer."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command line.

        Raises:
            LabError: A word behind --ray or --slurm is neither a value of the option nor the experiment.
        """
        try:
            return super().parse_args(ctx, list(completed(args)))
        except _WrongUsage:
            for option, following in pairwise(args):
                if option in _TAKES and not following.startswith("-") and not re.fullmatch(_VALUES[option], following):
                    raise LabError(f"{option} takes {_TAKES[option]}, or nothing, not '{following}'") from None
            raise


def completed(words: Sequence[str]) -> Iterator[str]:
    """Give --ray and --slurm the values that they have where a person leaves them out."""
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        yield word
        if word in _VALUES and not re.fullmatch(_VALUES[word], following):
            yield _WITHOUT_VALUE[word]


def slurm_settings(text: str | None) -> dict[str, Any] | None:
    """Read the value of --slurm: settings KEY=VALUE with commas between them; None where the option is left out.

    Raises:
        LabError: A setting has no `=` or no key.
    """
    from ..specs.settings import parse

    if text is None:
        return None
    parts = re.split(r",(?=[\w-]+=)", text) if text else []  # a value may hold commas: constraint=a100,h100
    return dict(parse(part, "--slurm", "partition=gpu") for part in parts)
