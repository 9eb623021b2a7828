"""`describe A --diff B` on a terminal."""

import json

from typer.testing import CliRunner

from resnet_lab.cli.app import build
from tests.conftest import heavy_imports


def test_costs_keys_stages_and_layers_are_printed(call):
    printed = call("describe", "resnet18", "--diff", "resnet34")
    table = [line.split() for line in printed.splitlines()]
    assert ["params", "11,689,512", "21,797,672", "+10,108,160", "1.865"] in table
    assert ["stage1.repeat", "2", "3"] in table
    assert ["depth", "18", "34", "+16", "1.889"] in table
    assert "layers: 0 only in resnet18 (-), 56 only in resnet34 (+), 0 differ (~)" in printed
    assert "... and 44 more; --layers lists all" in printed
    whole = call("describe", "resnet18", "--diff", "resnet34", "--layers")
    assert "+ stage4.block3.conv2: conv 512x7x7" in whole
    assert "--layers" not in whole


def test_the_same_network_is_said_to_be_the_same(call):
    assert "resnet18 and resnet18 are the same network" in call("describe", "resnet18", "--diff", "resnet18")


def test_json_has_every_difference(call):
    found = json.loads(call("describe", "resnet18", "--diff", "resnet34", "--json", "--input", "3x32x32"))
    assert found["variants"] == ["resnet18", "resnet34"]
    assert found["params"] == [11_689_512, 21_797_672]
    assert found["spec"]["stage3.repeat"] == [2, 6]
    assert [stage["name"] for stage in found["stages"]] == ["stage1", "stage2", "stage3", "stage4"]
    assert (found["only"][0], len(found["only"][1])) == ([], 56)


def test_it_loads_neither_numpy_nor_pandas():
    words = "['describe', 'resnet18', '--diff', 'resnet34']"
    code = f"from resnet_lab.cli.app import build; build()({words}, standalone_mode=False)"
    assert heavy_imports(code) == []


def test_words_that_do_not_go_together_are_refused():
    for words in (["resnet18", "resnet34"], ["resnet18", "--against", "resnet34"]):
        done = CliRunner().invoke(build(), ["describe", *words, "--diff", "resnet50"])
        assert "--diff compares one variant with another" in str(done.exception)
