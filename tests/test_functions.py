"""The Python face: every public name is there, is documented, and stays what it is whatever is imported."""

import importlib
import inspect
import subprocess
import sys

import pytest

import resnet_lab as rl
from resnet_lab import LabError
from tests.conftest import any_engine, heavy_imports
from tests.sweeps.pretending import MINE, Pretender, accuracies

FUNCTIONS = [name for name in rl.__all__ if name != "LabError"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_name_is_a_documented_function(name):
    function = getattr(rl, name)
    assert inspect.isfunction(function)
    text = inspect.getdoc(function)
    assert text.partition("\n")[0].endswith(".")
    if function.__module__ == "resnet_lab" or function.__module__.endswith(".functions"):
        for parameter in inspect.signature(function).parameters:
            assert f"{parameter}:" in text, parameter
    assert "Raises:" in text


def test_functions_stay_functions_when_the_rooms_of_their_names_are_imported():
    code = (
        "import resnet_lab as rl\nimport resnet_lab.results.store\nimport resnet_lab.sweeps.run\n"
        "import resnet_lab.cli.export\nfrom resnet_lab.results.store import read\n"
        "print(all(callable(getattr(rl, name)) for name in rl.__all__), callable(rl.results))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_importing_the_package_loads_neither_numpy_nor_pandas():
    assert heavy_imports("import resnet_lab") == []


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'bild'"):
        importlib.import_module("resnet_lab").bild  # noqa: B018
    with pytest.raises(LabError, match="'last_scale' is a setting of initial weights; it has no effect on weights"):
        rl.build("cifar_resnet20", weights="net.pth", last_scale="zero")


def test_a_block_is_tried_in_one_call(workspace, monkeypatch, capsys):
    monkeypatch.setattr("resnet_lab.sweeps.run.Local", lambda slots: Pretender(accuracies(0.05)))
    (workspace / "b.py").write_text(MINE)
    options = {"baseline": "cifar_resnet20", "engine": any_engine()}
    table = rl.try_block("b.py", **options)
    assert table["word"].tolist()[0] == "better"
    assert table["metric"].tolist() == ["test_accuracy", "train_images_per_s", "params", "macs"]
    assert "pair 1: cifar_resnet20 0.8000, cifar_resnet20_mine 0.8500" in capsys.readouterr().out
    rl.try_block("b.py", **options, progress=False)
    assert capsys.readouterr().out == ""
    copied = MINE[: MINE.index("return")]
    copied += "return relu(norm(conv(relu(norm(conv(x, channels, 3, stride))), channels, 3)) + shortcut(x))\n"
    (workspace / "copied.py").write_text(copied.replace('"mine"', '"copied"'))
    with pytest.raises(LabError, match="cifar_resnet20_copied is the network of cifar_resnet20"):
        rl.try_block("copied.py", **options)


def test_compare_is_the_command(tmp_path):
    (tmp_path / "trials.csv").write_text(
        "variant,seed,status,macs,test_accuracy,device\na,0,ok,10,0.9,cpu\na,1,ok,10,0.8,cpu\nb,0,ok,20,0.7,gpu:0\n"
    )
    table = rl.compare(tmp_path, by="variant", pareto="test_accuracy,-macs")
    assert table["test_accuracy"].tolist() == pytest.approx([0.85, 0.7])
    assert table["is_pareto"].tolist() == [True, False]
    assert table.attrs["notes"] == ["warning: the rows differ in what a comparison must hold fixed: device (cpu, gpu)"]
