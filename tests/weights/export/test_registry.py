"""The registry of export formats: a format of a person's own, and what each format tells of itself."""

from pathlib import Path

import numpy as np
import pytest

from resnet_lab import LabError
from resnet_lab.cli.export import command
from resnet_lab.weights import safetensors
from resnet_lab.weights.export import FORMATS, Written, export, export_format
from resnet_lab.weights.export.registry import any_engine, on_engine, suffixed
from tests.conftest import any_engine as engine_that_runs
from tests.weights.export.test_checked import net


@pytest.mark.parametrize("to", FORMATS.registered)
def test_a_format_has_a_line_of_help(to):
    summary = FORMATS.get(to).summary
    assert summary.endswith(".")
    assert f"- {to}: {summary}\n" in command.__doc__


def test_every_format_is_a_module_and_is_imported():
    folder = Path(__file__).parents[3] / "resnet_lab" / "weights" / "export" / "formats"
    modules = {path.stem.replace("_", "-") for path in folder.glob("*.py")} - {"--init--"}
    assert modules == set(FORMATS.registered)


def test_a_format_of_ones_own_is_checked_like_ours(tmp_path):
    engine = engine_that_runs()

    @export_format("folder-of-weights")
    def write(net, path) -> Written:
        """Weights under another suffix."""
        path = suffixed(path, ".weights.safetensors")
        safetensors.save(path, net.arrays)
        return Written((path,), on_engine(net, engine, path), "our own reader")

    trained = net("cifar_resnet20")
    done = export(trained, "folder-of-weights", tmp_path / "net", engine=engine)
    assert (done.paths, done.reader) == ((tmp_path / "net.weights.safetensors",), "our own reader")
    assert safetensors.load(done.paths[0]).keys() == trained.arrays.keys()
    assert FORMATS.get("folder-of-weights").summary == "Weights under another suffix."
    with pytest.raises(LabError, match="are folded into convolutions for onnx only"):
        export(trained, "folder-of-weights", tmp_path / "net", folded=True)
    with pytest.raises(LabError, match="'folder-of-weights'"):
        export_format("folder-of-weights")(write)


def test_an_unknown_format_names_the_nearest(tmp_path):
    with pytest.raises(LabError, match="unknown export format 'onx'; did you mean 'onnx'"):
        export(net("cifar_resnet20"), "onx", tmp_path / "net")


def test_the_logits_of_a_file_are_those_of_its_weights(tmp_path):
    engine = engine_that_runs()
    assert any_engine() == engine
    trained, other = net("cifar_resnet20"), net("cifar_resnet20")
    other.arrays["head.dense1.bias"] += 1
    for name, own in (("a", trained), ("b", other)):
        safetensors.save(tmp_path / f"{name}.safetensors", own.arrays)
    images = np.random.default_rng(0).standard_normal((2, 3, 32, 32)).astype(np.float32)
    logits = [on_engine(trained, engine, tmp_path / f"{name}.safetensors")(images) for name in "ab"]
    assert np.allclose(logits[1], logits[0] + 1, atol=1e-4)
