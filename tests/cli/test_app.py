"""The command line's own: what it prints, how it ends, and what it does not import."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from resnet_lab import engines
from resnet_lab.cli.app import build


def call(*words: str) -> str:
    """What a command prints; it has to succeed."""
    done = CliRunner().invoke(build(), list(words))
    assert done.exit_code == 0, done.output
    return done.output


def test_describe_json_is_the_contract():
    described = json.loads(call("describe", "resnet50", "--json"))
    assert list(described) == ["variant", "input", "output", "depth", "params", "macs", "digest", "layers"]
    assert (described["params"], described["macs"], described["depth"]) == (25_557_032, 3_857_973_248, 50)
    assert described["layers"][0] == {
        "name": "stem.conv1",
        "op": "conv",
        "output": [64, 112, 112],
        "params": 9408,
        "macs": 118_013_952,
    }
    assert sum(layer["macs"] for layer in described["layers"]) == described["macs"]
    several = json.loads(call("describe", "resnet18", "resnet34", "--json"))
    assert [item["variant"] for item in several] == ["resnet18", "resnet34"]


def test_describe_shows_stages_or_layers_or_a_block():
    assert "2048x7x7" in call("describe", "resnet50")
    assert "stage4.block3.norm3" in call("describe", "resnet50", "--layers")
    block = call(
        "describe",
        "--block",
        "bottleneck",
        "--input",
        "256x56x56",
        "--channels",
        "128",
        "--stride",
        "2",
        "--option",
        "stride_on=3x3",
        "--shortcut",
        "avgpool",
    )
    assert "shortcut.avg_pool1" in block
    assert "512x28x28" in block
    assert json.loads(call("describe", "resnet18", "--input", "1x32x32", "--classes", "7", "--json"))["output"] == [7]


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        ("blocks", "preact_bottleneck"),
        ("variants", "cifar_resnet1202"),
        ("datasets", "fashion_mnist"),
        ("engines", "mxnet"),
    ],
)
def test_list(subject, told):
    assert told in call("list", subject)
    assert told in call("list")


def test_doctor_in_both_forms():
    found = json.loads(call("doctor", "--json"))
    assert found["machine"]["cores"] >= 1
    assert {engine["name"] for engine in found["engines"]} == {"mxnet", "torch"}
    for engine in found["engines"]:
        assert engine["problem"] or (engine["version"] and "cpu" in engine["devices"] and engine["threads"] >= 1)
        assert engine["problem"] or engine["compile"] in engines.get(engine["name"]).ways
    assert found["machine"]["processor"] in call("doctor")


def test_every_command_has_an_example():
    for command in ("list", "describe", "run", "compare", "doctor"):
        assert f"resnet-lab {command}" in call(command, "--help").replace("\n", " ")


def test_describe_imports_no_framework():
    code = (
        "import sys; sys.argv = ['resnet-lab', 'describe', 'resnet152']\n"
        "from resnet_lab.cli import app as cli\n"
        "cli.build()(standalone_mode=False)\n"
        "print([name for name in ('mxnet', 'torch', 'gluoncv', 'pandas', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


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
