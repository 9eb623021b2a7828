"""The app: how it is built, and how it ends."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from resnet_lab import __version__
from resnet_lab.cli.app import build


def test_the_version(call):
    assert call("--version") == f"resnet-lab {__version__}\n"


def test_an_app_of_one_command_knows_no_other():
    assert CliRunner().invoke(build(["list"]), ["list", "engines"]).exit_code == 0
    assert CliRunner().invoke(build(["list"]), ["doctor"]).exit_code == 2


def test_a_command_is_run_without_importing_the_others():
    code = (
        "import sys; sys.argv = ['resnet-lab', 'list', 'engines']\n"
        "from resnet_lab.cli import app\n"
        "try: app.main()\n"
        "except SystemExit: print([name for name in sys.modules if name.startswith('resnet_lab.cli.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = done.stdout.splitlines()[-1]
    assert "resnet_lab.cli.list" in imported
    assert "resnet_lab.cli.doctor" not in imported


@pytest.mark.parametrize(
    "words",
    [
        "describe cifar_resnet1202 --layers",  # breaks off while it prints
        "describe resnet18 --json",
        "describe resnet18",  # so little that it is written where the command ends
        "--help",
    ],
)
def test_a_reader_that_leaves_early_is_no_error(words):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "resnet_lab", *words.split()]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
