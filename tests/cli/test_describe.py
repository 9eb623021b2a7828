"""`resnet-lab describe`: what it prints, and what it does not import."""

import json

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
