"""Blocks that are modules of a framework: asked for shapes, run on their engine, refused by the other."""

from pathlib import Path

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError, engines
from resnet_lab.blocks.opaque import check_engine
from resnet_lab.network.initial import initial
from resnet_lab.specs.experiment import load
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.sweeps.plan import plan
from resnet_lab.training.epoch import train_epoch
from tests.conftest import engine_or_skip

GLUON = """
from mxnet.gluon.model_zoo.vision.resnet import BasicBlockV1
from resnet_lab import module_block

module_block("gluon_basic")(BasicBlockV1)
"""

TORCH = '''
from torch import nn
from resnet_lab import module_block


@module_block("torch_basic")
class TorchBasic(nn.Module):
    """A basic block as PyTorch code has it."""

    def __init__(self, in_channels, channels, stride, *, slope: float = 0.0, downsample: bool = False):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.act = nn.LeakyReLU(slope)
        self.way = nn.Identity()
        if downsample:
            self.way = nn.Sequential(nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.bn2(self.conv2(self.act(self.bn1(self.conv1(x)))))
        return self.act(y + self.way(x))
'''

SPEC = """
extends: cifar_resnet20
blocks: [theirs.py]
every_stage: {block: BLOCK, shortcut: projection}
stages: {2: {first: {downsample: true}}, 3: {first: {downsample: true}}}
"""

EXPERIMENT = """
variants: [theirs, cifar_resnet20_v1]
data: {name: digits, size: 16}
train: {epochs: 1, batch_size: 64, optimizer: {lr: 0.02, momentum: 0.9}}
engine: ENGINE
"""

OTHER = {"mxnet": "torch", "torch": "mxnet"}


@pytest.fixture
def theirs(workspace, engine):
    """A workspace with a variant of an engine's own blocks; the engine's name."""
    (workspace / "variants" / "theirs.py").write_text(GLUON if engine.name == "mxnet" else TORCH)
    block = "gluon_basic" if engine.name == "mxnet" else "torch_basic"
    (workspace / "variants" / "theirs.yaml").write_text(SPEC.replace("BLOCK", block))
    (workspace / "experiments" / "e.yaml").write_text(EXPERIMENT.replace("ENGINE", engine.name))
    return engine.name


def test_shapes_and_parameters_are_asked_and_multiply_adds_are_not_known(theirs, capsys):
    graph, same = rl.graph("theirs"), rl.graph("cifar_resnet20_v1")
    assert (graph.params, graph.output) == (same.params, same.output)
    assert [node.output for node in graph.layers if node.op == "opaque"] == [
        *[(16, 32, 32)] * 3,
        *[(32, 16, 16)] * 3,
        *[(64, 8, 8)] * 3,
    ]
    assert graph.macs is None
    from resnet_lab.cli.describe import show
    from resnet_lab.specs.describe import variant

    show(variant("theirs", None, None), layers=False)
    assert "multiply-adds not known" in capsys.readouterr().out


def test_it_computes_and_learns_what_the_graphs_own_block_does(theirs):
    """The same weights in the graph's own basic block: equal logits before and after a step."""
    Path("variants/ours.yaml").write_text("extends: cifar_resnet20\nevery_stage: {shortcut: projection}\n")
    graph, same = (rl.graph(name, input=(3, 16, 16)) for name in ("theirs", "ours"))
    arrays = initial(graph, 0)
    renamed = dict(zip(same.parameters, _as_ours(graph, same), strict=True))
    rng = np.random.default_rng(0)
    images, labels = rng.standard_normal((8, 3, 16, 16), np.float32), rng.integers(0, 10, 8).astype(np.int32)
    logits = []
    for network, weights in ((graph, arrays), (same, {own: arrays[other] for own, other in renamed.items()})):
        model = engines.get(theirs).build(network, "cpu")
        model.load(weights)
        model.prepare(Sgd(momentum=0.9))
        before = model.predict(images)
        train_epoch(model, [(images, labels)] * 2, [0.01] * 2, 0, lambda images, loss: None)
        logits.append((before, model.predict(images)))
        assert not np.allclose(*logits[-1])
    for ours, own in zip(*logits, strict=True):
        # PyTorch's own norm keeps n / (n - 1) times the variance that ours keeps; 16 positions at least, here.
        assert np.allclose(ours, own, rtol=0.02, atol=0.02 * np.abs(own).max())
    assert np.allclose(logits[0][0], logits[1][0], rtol=1e-4, atol=1e-5)


def _as_ours(graph, same):
    """The opaque network's names of the other's arrays: a stage's blocks hold conv, norm, conv, norm, shortcut."""
    stem = [name for name in graph.parameters if name.startswith("stem")]
    head = [name for name in graph.parameters if name.startswith("head")]
    blocks = [name for name in graph.parameters if name.startswith("stage")]
    found = [*stem, *blocks, *head]
    shapes = [graph.parameters[name].shape for name in found]
    assert shapes == [parameter.shape for parameter in same.parameters.values()]
    return found


def test_a_sweep_runs_it_in_a_process_of_its_own_and_keeps_its_weights(theirs):
    table = rl.run("experiments/e.yaml", settings=["measure=false", "data.size=8"])
    assert table["status"].tolist() == ["ok", "ok"]
    assert table["macs"].isna().tolist() == [True, False]
    assert (table["test_accuracy"] > 0.1).all()


def test_another_engine_is_refused_with_the_reason(theirs):
    other = OTHER[theirs]
    with pytest.raises(LabError, match=f"is a module of the engine '{theirs}'; '{other}' cannot run it") as caught:
        plan(load("experiments/e.yaml", [f"engine={other}"]))
    assert str(caught.value.file) == "experiments/e.yaml"
    with pytest.raises(LabError, match=f"'{other}' cannot run it"):
        engines.get(other).build(rl.graph("theirs"), "cpu")


def test_gluons_own_blocks_are_refused_in_float16(theirs):
    graph = rl.graph("theirs")
    with pytest.raises(LabError, match=f"is {theirs}'s own, and runs in float32 only"):
        check_engine(graph, theirs, "float16")


def test_what_cannot_reach_into_a_module_says_so(theirs, tmp_path):
    with pytest.raises(LabError, match="last_scale: zero cannot reach into stage1.block1"):
        plan(load("experiments/e.yaml", ["train.init.last_scale=zero"]))
    with pytest.raises(LabError, match="whose norms cannot be frozen from outside"):
        plan(load("experiments/e.yaml", ["train.freeze=[stage1]"]))
    pytest.importorskip("onnx")
    from resnet_lab.weights.export import onnx

    with pytest.raises(LabError, match="is a framework's own module, which cannot be exported to ONNX"):
        onnx.lower(rl.graph("theirs"), {}, {})


def test_a_change_of_its_code_changes_the_digest_a_comment_does_not(theirs, workspace):
    file = workspace / "variants" / "theirs.py"
    before = rl.graph("theirs").digest
    file.write_text(file.read_text() + "\n# a thought\n")
    assert rl.graph("theirs").digest == before
    file.write_text(file.read_text() + "\nmore = 1\n")
    # Gluon's class lies in MXNet itself, and not in the file that registers it.
    assert (rl.graph("theirs").digest == before) == (theirs == "mxnet")


def test_a_modules_digest_follows_a_helper_beside_its_file(workspace):
    engine_or_skip("torch")
    file, helper = workspace / "variants" / "mine.py", workspace / "variants" / "kernels.py"
    file.write_text(
        "from kernels import make\nfrom resnet_lab import module_block\n\n\n@module_block('helped', engine='torch')\n"
        "def helped(in_channels, channels, stride):\n    return make(in_channels, channels, stride)\n"
    )
    helper.write_text("from torch import nn\ndef make(i, c, s):\n    return nn.Conv2d(i, c, 3, s, 1, bias=False)\n")
    (workspace / "variants" / "mine.yaml").write_text(
        "extends: cifar_resnet20\nblocks: [mine.py]\nevery_stage: {block: helped}\n"
    )
    before = rl.graph("mine")
    helper.write_text(helper.read_text().replace("1, bias", "1, 1, bias"))
    assert rl.graph("mine").params == before.params
    assert rl.graph("mine").digest != before.digest


CONSTANTS = """
import torch
from torch import nn
from resnet_lab import module_block


@module_block("blurred")
class Blurred(nn.Module):
    def __init__(self, in_channels, channels, stride):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, stride, 1)
        self.gain = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.register_buffer("blur", torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]).repeat(channels, 1, 1, 1) / 16)
        EXTRA

    def forward(self, x):
        y = self.conv(x) * self.gain
        return nn.functional.conv2d(y, self.blur, padding=1, groups=len(self.blur))
"""


def test_a_modules_own_values_stay(workspace):
    torch = engine_or_skip("torch") and pytest.importorskip("torch")
    file = workspace / "variants" / "blurred.py"
    file.write_text(CONSTANTS.replace("EXTRA", ""))
    (workspace / "variants" / "mine.yaml").write_text(
        "extends: cifar_resnet20\nblocks: [blurred.py]\nevery_stage: {block: blurred}\n"
    )
    net = rl.build("mine", engine="torch", input=(3, 16, 16))
    module = net.get_submodule("stage1.block1.blurred")
    assert module.blur[0, 0].tolist() == [[0.0625, 0.125, 0.0625], [0.125, 0.25, 0.125], [0.0625, 0.125, 0.0625]]
    assert (module.gain == 1).all()
    assert module.conv.weight.std() > 0
    again = rl.build("mine", engine="torch", input=(3, 16, 16))
    assert torch.equal(again.get_submodule("stage1.block1.blurred").conv.weight, module.conv.weight)
    file.write_text(CONSTANTS.replace("EXTRA", "self.ramp = nn.Parameter(torch.linspace(0, 1, channels))"))
    with pytest.raises(LabError, match="'ramp' starts with values of its own, which a seed could not draw again"):
        rl.build("mine", engine="torch")


def test_mistakes_in_registering():
    with pytest.raises(LabError, match="no gluon.HybridBlock and no torch.nn.Module; say engine="):
        rl.module_block("x")(dict)
    with pytest.raises(LabError, match="unknown engine 'tensorflow'"):
        rl.module_block("x", engine="tensorflow")(lambda channels: None)
    with pytest.raises(LabError, match="is made from in_channels, channels and stride, and .* takes inplanes, planes"):
        rl.module_block("x", engine="torch")(lambda inplanes, planes: None)


def test_a_module_of_the_wrong_shape_is_told(workspace):
    engine_or_skip("torch")
    from torch import nn

    rl.module_block("flat")(type("Flat", (nn.Module,), {"__init__": _flat, "forward": lambda self, x: x.flatten(1)}))
    (workspace / "variants" / "flat.yaml").write_text("extends: cifar_resnet20\nevery_stage: {block: flat}\n")
    with pytest.raises(LabError, match=r"variants/flat.yaml:2: block 'flat' .* made 16384 of 16x32x32"):
        rl.graph("flat")


def _flat(self, channels):
    super(type(self), self).__init__()


def test_a_block_of_this_session_only_cannot_go_to_another_process(workspace):
    engine_or_skip("torch")
    from torch import nn

    def make(in_channels, channels, stride):
        return nn.Conv2d(in_channels, channels, 3, stride, 1)

    make.__module__ = "__main__"
    rl.module_block("session", engine="torch")(make)
    (workspace / "variants" / "mine.yaml").write_text("extends: cifar_resnet20\nevery_stage: {block: session}\n")
    (workspace / "experiments" / "e.yaml").write_text(EXPERIMENT.replace("theirs", "mine").replace("ENGINE", "torch"))
    assert rl.build("mine", engine="torch") is not None
    with pytest.raises(LabError, match="block 'session' is known to this session only"):
        plan(load("experiments/e.yaml"))
