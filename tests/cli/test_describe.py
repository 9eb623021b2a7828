"""`resnet-lab describe`: what it prints, and what it does not import."""

import json

import pytest

import resnet_lab as rl
from tests.conftest import heavy_imports


def test_describe_json_is_the_contract(call):
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


def test_describe_shows_stages_or_layers_or_a_block(call):
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


def test_describe_imports_no_framework():
    code = "from resnet_lab.cli.app import build; build()(['describe', 'resnet152'], standalone_mode=False)"
    assert heavy_imports(code) == []


def test_a_setting_changes_the_spec(call):
    described = json.loads(call("describe", "resnet50", "--set", "every_stage.stride_on=3x3", "--json"))
    assert described["digest"] == rl.graph("resnet50_v1b").digest
    assert described["set"] == {"every_stage.stride_on": "3x3"}
    assert call("describe", "resnet18", "--set", "head.dropout=0.5").startswith("resnet18 head.dropout=0.5: ResNet-18")


def test_a_baseline_stands_beside_with_ratios_that_fit_a_terminal(call):
    printed = call("describe", "resnet34", "resnet18", "--against", "resnet18", "--set", "head.classes=10")
    table = printed.partition("against resnet18")[2].splitlines()
    assert max(map(len, table)) <= 80
    assert [line.split() for line in table if "resnet" in line] == [
        ["resnet18", "11,689,512", "1.000", "1,814,073,344", "1.000", "68", "1.000"],
        ["resnet34", "21,289,802", "1.821", "3,663,254,528", "2.019", "124", "1.824"],
        ["resnet18", "11,181,642", "0.957", "1,813,566,464", "1.000", "68", "1.000"],
    ]
    against = json.loads(call("describe", "resnet34", "--against", "resnet18", "--json"))["against"]
    assert {name: against[name] for name in ("variant", "params", "macs", "layers")} == {
        "variant": "resnet18",
        "params": 11_689_512,
        "macs": 1_814_073_344,
        "layers": 68,
    }
    assert against["ratios"]["layers"] == 124 / 68


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("resnet18", "--against", "resnet81"), "unknown variant 'resnet81'; did you mean 'resnet18'?"),
        (("resnet18", "--set", "every_stage.sride=2"), "--set every_stage.sride=2: unknown option of block 'basic'"),
        (("--block", "basic", "--set", "se=8"), "--set works only with variants"),
        (("--block", "basic", "--against", "resnet18"), "--against works only with variants"),
    ],
)
def test_a_wrong_comparison_is_refused(lab, words, message):
    done = lab("describe", *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr


def test_a_network_is_drawn_into_a_file(call, tmp_path):
    file = tmp_path / "net.svg"
    assert call("describe", "resnet18", "--plot", str(file)) == ""
    assert "stage4 → 512x7x7" in file.read_text()
    block = ("--block", "basic", "--input", "64x8x8", "--channels", "64")
    call("describe", *block, "--plot", str(file))
    assert "norm · relu" in file.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("resnet18", "resnet34", "--plot", "net.svg"), "describe --plot draws one network"),
        (("resnet18", "--plot", "net.png"), "--plot writes SVG"),
        (("resnet18", "--plot", "no/net.svg"), "--plot writes SVG"),
        (("resnet18", "--plot", "net.svg", "--json"), "--plot prints nothing"),
    ],
)
def test_a_plot_that_cannot_be_drawn_is_refused(lab, tmp_path, words, message):
    done = lab("describe", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


def test_drawing_imports_no_framework(tmp_path):
    words = ["describe", "resnet18", "--plot", str(tmp_path / "net.svg")]
    code = f"from resnet_lab.cli.app import build; build()({words}, standalone_mode=False); print()"
    assert heavy_imports(code) == []
    assert (tmp_path / "net.svg").is_file()
