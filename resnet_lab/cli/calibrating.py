"""`resnet-lab bench --calibrate`: measure this machine once, so that `describe --on here` can predict costs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..base.errors import LabError


def calibrate_and_show(engine: str, device: str, precision: str) -> None:
    """Calibrate this machine, keep the result, and print where it is and how good it is."""
    from ..sweeps.bench.functions import calibrate

    found = calibrate(engine, device, precision, _progress)
    print("\r\033[K" if sys.stderr.isatty() else "", end="", file=sys.stderr)
    print(
        f"calibrated {found.here.text} in {found.took_s:.0f} s\n"
        f"median error of each of the {len(found.times)} networks, predicted by the others: "
        f"{found.train.held_out_error:.1%} in training, {found.infer.held_out_error:.1%} in inference\n"
        f"kept in {found.here.file}"
    )
    if found.is_disturbed:
        print(
            f"resnet-lab: other programs used {found.other_load} cores meanwhile: calibrate again on a quiet machine",
            file=sys.stderr,
        )


def only(option: str, values: Sequence[str] | None, default: str) -> str:
    """The one value that a calibration takes of an option of `bench` that may have several.

    Raises:
        LabError: There are several.
    """
    if values and len(values) > 1:
        raise LabError(f"--calibrate measures one {option} at a time, not {', '.join(values)}")
    return values[0] if values else default


def _progress(number: int, count: int, name: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{number}/{count} {name}", end="", file=sys.stderr, flush=True)
    elif number % 20 == 1:
        print(f"{number}/{count} {name}", file=sys.stderr, flush=True)
