"""`compile`: the ways of an engine give the same training, and one that cannot work is refused before it starts."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError, engines, ops
from resnet_lab.engines.torch import compiling
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import Builder
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.training.epoch import train_epoch
from tests.conftest import engine_or_skip

RNG = np.random.default_rng(0)
BATCHES = [
    (RNG.standard_normal((8, 3, 8, 8)).astype(np.float32), RNG.integers(0, 5, 8).astype(np.int32)) for _ in range(4)
]


def residual():
    """Batch norm, whose statistics a step changes, and dropout, which draws."""
    builder = Builder()
    x = ops.relu(ops.norm(ops.conv(builder.input((3, 8, 8)), 6, 3)))
    x = x + ops.dropout(ops.norm(ops.conv(x, 6, 3), "group", groups=3), 0.2)
    return builder.finish(ops.dense(ops.global_avg_pool(x), 5))


def trained(engine, way):
    """Losses of two epochs of four steps, logits between them at another batch size, and the weights after them."""
    graph = residual()
    model = engine.build(graph, "cpu", compile=way)
    model.load(initial(graph, 0))
    model.prepare(Sgd(momentum=0.9))
    losses, logits = [], []
    for epoch in range(2):
        train_epoch(model, BATCHES, [0.05] * 4, epoch, lambda images, loss: losses.append(loss))
        logits += [model.predict(BATCHES[0][0][:count]) for count in (8, 1, 3)]
    return np.array(losses), np.concatenate(logits), model.weights()


@pytest.mark.parametrize("name", engines.names())
def test_compiled_and_uncompiled_training_agree(name):
    engine = engine_or_skip(name)
    way = "default" if name == "torch" else "hybridize"
    try:
        assert engine.compiling(way, "cpu") == (way, "asked for")
    except LabError as error:
        pytest.skip(error.message)
    one, other = trained(engine, "off"), trained(engine, way)
    assert np.abs(one[0] - other[0]).max() < 1e-5
    assert np.abs(one[1] - other[1]).max() < 1e-4
    assert all(np.abs(one[2][key] - other[2][key]).max() < 1e-4 for key in one[2])


def test_an_engine_refuses_a_way_of_another():
    with pytest.raises(
        LabError, match="'compile' of the engine 'mxnet' must be auto, hybridize or off, not max-autotune"
    ):
        engines.get("mxnet").compiling("max-autotune", "cpu")
    with pytest.raises(LabError, match="'compile' of the engine 'torch' must be auto, off, default, .* not hybridize"):
        engines.get("torch").compiling("hybridize", "cpu")
    assert engines.get("mxnet").compiling("auto", "gpu:0")[0] == "hybridize"
    for name in engines.names():
        assert engines.get(name).compiling(engines.get(name).default_compile_mode, "gpu:0") == (
            engines.get(name).default_compile_mode,
            "asked for",
        )


def test_what_auto_means_for_pytorch(monkeypatch):
    monkeypatch.setattr(compiling, "_problem", lambda gpu: "")
    assert compiling.choose("auto", "cpu")[0] == "off"
    assert compiling.choose("auto", "gpu:1")[0] == "reduce-overhead"
    assert compiling.choose("max-autotune", "cpu") == ("max-autotune", "asked for")
    for mode in ("reduce-overhead", "step", "step-eager"):
        with pytest.raises(LabError, match=f"compile '{mode}' needs CUDA graphs, which the CPU does not have"):
            compiling.choose(mode, "cpu")
        assert compiling.choose(mode, "gpu:0") == (mode, "asked for")
    monkeypatch.setattr(compiling, "_problem", lambda gpu: "it needs this")
    assert compiling.choose("auto", "gpu:0") == ("off", "it needs this")
    assert compiling.choose("off", "gpu:0") == ("off", "asked for")
    assert compiling.choose("step-eager", "gpu:0") == ("step-eager", "asked for"), "it does without torch.compile"
    for mode in ("default", "step"):
        with pytest.raises(LabError, match=f"compile '{mode}' cannot work here: it needs this"):
            compiling.choose(mode, "gpu:0")


def test_a_missing_compiler_is_told_before_anything_trains(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(LabError, match="there is no no-such-compiler \\(CXX names another\\)"):
        compiling.choose("default", "cpu")


def test_a_way_that_cannot_work_on_the_device_is_refused_with_file_and_line(workspace):
    engine_or_skip("torch")
    (workspace / "experiments" / "e.yaml").write_text(
        "variants: [cifar_resnet20]\ndata: {size: 8}\ntrain: {epochs: 1, batch_size: 32}\n"
        "engine: torch\ndevice: cpu\ncompile: reduce-overhead\n"
    )
    with pytest.raises(LabError, match="e.yaml:6: compile 'reduce-overhead' needs CUDA graphs"):
        rl.run("experiments/e.yaml")
    assert not (workspace / "results").exists()


def test_with_cuda_graphs_every_call_begins_a_step_of_its_own(monkeypatch):
    """Else an output of the last one would still count as in use. There is no GPU here: the calls are counted."""
    engine = engine_or_skip("torch")
    import torch

    begun = []
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: begun.append(1))
    model = engine.build(residual(), "cpu")
    model.prepare(Sgd())
    for graphs, count in ((False, 0), (True, 5)):
        monkeypatch.setattr(model, "_cuda_graphs", graphs)
        train_epoch(model, BATCHES, [0.0] * 4, 0, lambda images, loss: None)
        model.predict(BATCHES[0][0])
        assert len(begun) == count


def test_a_built_module_is_plain_unless_it_is_asked_for(monkeypatch):
    engine_or_skip("torch")
    import torch

    plain = rl.build("cifar_resnet20", engine="torch", device="cpu")
    assert type(plain).__name__ == "Network"
    monkeypatch.setattr(compiling, "_problem", lambda gpu: "")
    compiled = rl.build("cifar_resnet20", engine="torch", device="cpu", compile="default")
    assert isinstance(compiled, torch.nn.Module)
    assert not isinstance(compiled, torch.fx.GraphModule)
    assert torch.equal(compiled.state_dict()["_orig_mod.stem.conv1.weight"], plain.stem.conv1.weight)
