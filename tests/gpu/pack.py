"""`python -m tests.gpu.pack DIR`: put into a folder what a GPU machine without a network needs beside this repository.

The folder holds `wheels/` (the packages that a machine with PyTorch usually lacks), `data/` (a folder for each
dataset), `revision.txt` and `run.sh`, which installs the wheels and starts the rehearsal. Where a machine takes only so
many MiB at once, the printed loads say which parts travel together.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from resnet_lab.base import hardware

from .stages import ROOT

LACKING = ("pydantic", "pydantic_core", "annotated-types", "typing-inspection", "typing_extensions", "simplejpeg")
"""Packages that resnet-lab needs, and that a machine with PyTorch, pandas, typer and scikit-learn usually lacks."""

DATASETS = ("fashion-mnist", "cifar10")
"""Folders of data that the stages `fashion` and `literature` read."""

PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")

RUN = """#!/usr/bin/env bash
# Start the rehearsal, in the folder of the repository: bash DIR/run.sh --out FOLDER --minutes 25
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
site=$(mktemp -d)
python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$site" "$here"/wheels/*.whl
export PYTHONPATH="$PWD:$site" RESNET_LAB_DATA="$here/data"
exec python3 -m tests.gpu --revision "$(cat "$here/revision.txt")" "$@"
"""


def main(words: Sequence[str] | None = None) -> int:
    """Fill the folder, and print the sizes and the loads; returns 1 if a part is larger than the limit."""
    options = _parser().parse_args(words)
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.sh").write_text(RUN, encoding="utf-8")
    (folder / "revision.txt").write_text(hardware.revision() + "\n", encoding="utf-8")
    download(pins(ROOT / "constraints.txt", LACKING), folder / "wheels", options.python)
    parts = {"wheels": size(folder / "wheels")}
    for name in DATASETS:
        if options.data and (options.data / name).is_dir():
            parts[f"data/{name}"] = copy(options.data / name, folder / "data" / name)
        else:
            print(f"there is no {name} in {options.data}: the stages that need it will say so")
    for name, count in parts.items():
        print(f"{name}: {count / 2**20:.1f} MiB")
    for number, load in enumerate(loads(parts, options.limit * 2**20), 1):
        print(f"load {number}: run.sh revision.txt {' '.join(load)}")
    return int(max(parts.values()) > options.limit * 2**20)


def pins(constraints: Path, names: Sequence[str]) -> list[str]:
    """The requirements `NAME==VERSION` of some packages, as the constraints state them.

    Raises:
        LookupError: the constraints have no such package, or several versions of it.
    """
    lines = constraints.read_text(encoding="utf-8").splitlines()
    found = []
    for name in names:
        key = re.sub(r"[-_.]+", "-", name).lower()
        own = [line for line in lines if re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() == key]
        if len(own) != 1 or ";" in own[0]:
            raise LookupError(f"{constraints.name} must state exactly one version of {name}, not {own}")
        found.append(own[0])
    return found


def download(requirements: Sequence[str], folder: Path, python: str) -> None:
    """Download wheels for Linux on x86-64 and a version of Python such as `3.12`."""
    words = ["download", "--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    for platform in PLATFORMS:
        words += ["--platform", platform]
    shutil.rmtree(folder, ignore_errors=True)  # two versions of one package would stop the installation
    subprocess.run([sys.executable, "-m", "pip", *words, "-q", "-d", str(folder), *requirements], check=True)


def copy(source: Path, target: Path) -> int:
    """Copy the files of a folder, which may be read-only; returns their bytes."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file():
            shutil.copyfile(path, target / path.name)
    return size(target)


def size(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def loads(parts: dict[str, int], limit: float) -> list[list[str]]:
    """Divide the parts, in their order, into loads of at most `limit` bytes; a larger part is a load of its own."""
    found: list[list[str]] = []
    room = 0.0
    for name, count in parts.items():
        if not found or count > room:
            found.append([])
            room = limit
        found[-1].append(name)
        room -= count
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.pack", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder to fill")
    parser.add_argument("--data", type=Path, help="a folder with fashion-mnist/ and cifar10/")
    parser.add_argument("--python", default="3.12", help="the Python of the GPU machine (3.12)")
    parser.add_argument("--limit", type=float, default=60, help="the largest load in MiB (60)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
