"""A block in a baseline: how it is found, and which variant and experiment are written."""

from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.specs import variant
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps import tryout
from tests.sweeps.pretending import MINE

COPY = """
from resnet_lab import block
from resnet_lab.ops import conv, norm, relu


@block("copied")
def copied(x, channels, stride, shortcut):
    y = relu(norm(conv(x, channels, 3, stride)))
    return relu(norm(conv(y, channels, 3)) + shortcut(x))
"""


def test_the_block_is_put_into_every_stage(prepared):
    tried = prepared()
    assert (tried.baseline, tried.variant) == ("cifar_resnet20", "cifar_resnet20_mine")
    plain, mixed = tried.graphs
    spec = variant.load("results/try_cifar_resnet20_mine/cifar_resnet20_mine.yaml").spec
    assert [stage.block for stage in spec.stages] == ["mine"] * 3
    assert mixed.macs < plain.macs
    spec = load(tried.experiment).spec
    assert (spec.baseline, spec.match, spec.data.size) == ("cifar_resnet20", None, 32)


def test_the_cost_is_matched_if_asked(prepared):
    plain, mixed = prepared(match="macs").graphs
    assert abs(mixed.macs / plain.macs - 1) <= 0.01


def test_an_unknown_cost_is_refused_before_the_files_of_an_earlier_call_are_written_anew(prepared):
    experiment = Path(prepared(match="macs").experiment)
    before = experiment.read_text()
    with pytest.raises(LabError, match=r"^unknown match 'flops' \(known: latency, macs, params\)"):
        prepared(match="flops")
    assert experiment.read_text() == before


def test_a_baseline_may_be_a_path(prepared, workspace):
    (workspace / "nets").mkdir()
    (workspace / "nets" / "base.yaml").write_text("extends: cifar_resnet20\n")
    tried = prepared(baseline="nets/base.yaml")
    assert (tried.baseline, tried.variant) == ("base", "base_mine")
    assert not tried.is_same_network


def test_a_copy_of_the_block_is_the_same_network(prepared):
    assert prepared(COPY).is_same_network
    assert not prepared().is_same_network


def test_the_file_registers_a_block(prepared):
    two = MINE + MINE.replace("mine", "other")
    with pytest.raises(LabError, match=r"b\.py: registers several blocks: choose one with --block \(mine, other\)"):
        prepared(two)
    assert prepared(two, block="other").variant == "cifar_resnet20_other"
    with pytest.raises(LabError, match=r"unknown block 'othr'; did you mean 'other'\?"):
        prepared(two, block="othr")
    with pytest.raises(LabError, match=r"b\.py: registers no block"):
        prepared("x = 1\n")
    with pytest.raises(LabError, match="no block file"):
        tryout.prepare(
            Path("no.py"), baseline="x", data="digits", results=Path("r"), match=None, block=None, engine="mxnet"
        )


def test_a_branch_that_cannot_start_at_zero_does_not(prepared):
    gate = MINE.replace(", norm, relu", ", norm, relu, sigmoid")
    text = gate.replace("relu(norm(conv(x, channels, 3, stride)) + ", "relu(sigmoid(conv(x, channels, 3, stride)) + ")
    assert load(prepared(text).experiment).spec.train.init.last_scale == "one"
    assert load(prepared().experiment).spec.train.init.last_scale == "zero"


def test_the_data_fits_the_time(prepared):
    small = load(prepared().experiment).spec
    assert (small.data.size, small.data.limit, small.train.epochs) == (32, None, 3)
    large = load(prepared(data="cifar10").experiment).spec
    assert (large.data.size, large.data.limit, large.train.epochs) == (None, 4300, 1)
