"""Initial weights: seeded by name, of the variance that is asked for; where a residual branch starts at zero."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError, block
from resnet_lab.blocks.shortcuts import Shortcut
from resnet_lab.network.initial import branch_ends, initial
from resnet_lab.network.tensor import Builder
from resnet_lab.ops import concat, conv, layer_scale, norm, relu, split
from resnet_lab.weights import safetensors


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    graph = rl.graph("cifar_resnet20")
    first, again, other = (initial(graph, seed) for seed in (0, 0, 1))
    assert first.keys() == graph.parameters.keys()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["stem.conv1.weight"], other["stem.conv1.weight"])
    assert not np.array_equal(first["stage1.block1.conv1.weight"], first["stage1.block1.conv2.weight"])


def test_a_layer_that_two_variants_share_starts_alike():
    plain, residual = (initial(rl.graph(name), 3) for name in ("plain18", "resnet18"))
    assert all(np.array_equal(plain[name], residual[name]) for name in plain)


def test_known_bits():
    """Pinned: a change here makes old results incomparable, and must raise trials.FORMAT."""
    drawn = initial(rl.graph("cifar_resnet20"), 0)["stem.conv1.weight"].reshape(-1)[:3]
    assert drawn.tobytes().hex() == KNOWN


KNOWN = "f341153e99f0053d6273dbbe"


@pytest.mark.parametrize(
    ("kind", "fan", "distribution", "variance"),
    [
        ("msra", "in", "normal", 2 / (64 * 9)),
        ("msra", "out", "normal", 2 / (128 * 9)),
        ("xavier", "avg", "uniform", 1 / (96 * 9)),
        ("xavier", "in", "normal", 1 / (64 * 9)),
    ],
)
def test_variance(kind, fan, distribution, variance):
    drawn = initial(rl.graph("resnet18"), 0, weight=kind, fan=fan, distribution=distribution)
    weight = drawn["stage2.block1.conv1.weight"]
    assert weight.dtype == np.float32
    assert weight.var() == pytest.approx(variance, rel=0.02)
    assert abs(weight.mean()) < 0.02 * variance**0.5
    if distribution == "uniform":
        assert np.abs(weight).max() <= (3 * variance) ** 0.5


def test_constants():
    drawn = initial(rl.graph("d2l_resnet18"), 0)
    assert (drawn["stem.norm1.scale"] == 1).all()
    assert (drawn["stem.norm1.running_var"] == 1).all()
    assert (drawn["stem.conv1.bias"] == 0).all()


@pytest.mark.parametrize(
    ("variant", "ends", "count"),
    [
        ("resnet18", "norm2.scale", 8),
        ("resnet50", "norm3.scale", 16),
        ("resnet50_v2", "conv3.weight", 16),
        ("preact_resnet110", "conv2.weight", 54),
        ("my_se_resnet18", "norm2.scale", 8),
        ("plain18", "", 0),
    ],
)
def test_branch_ends(variant, ends, count):
    found = branch_ends(rl.graph(variant))
    assert len(found) == count
    assert all(name.endswith(ends) and "shortcut" not in name for name in found)


def branch(function) -> list[str]:
    builder = Builder()
    x = builder.input((8, 8, 8))
    return branch_ends(builder.finish(function(x)))


def test_branch_ends_of_unusual_blocks():
    assert branch(lambda x: x + layer_scale(norm(conv(x, 8, 3)))) == ["layer_scale1.scale"]
    assert branch(lambda x: x + (norm(conv(x, 8, 3)) + conv(x, 8, 1))) == ["norm1.scale", "conv2.weight"]
    assert branch(lambda x: concat(conv(x, 4, 3), norm(conv(x, 4, 1))) + x) == ["conv1.weight", "norm1.scale"]
    assert branch(lambda x: Shortcut(16, 2)(x) + conv(x, 16, 3, 2)) == ["conv1.weight"]


def test_branch_ends_of_sums_with_numbers():
    assert branch(lambda x: 0.5 * x + 2 * norm(conv(x, 8, 3))) == ["norm1.scale"]
    assert branch(lambda x: norm(conv(x, 16, 3, 2)) + Shortcut(16, 2)(x) / 2) == ["norm1.scale"]
    with pytest.raises(LabError, match="ends in affine"):
        branch(lambda x: x + (norm(conv(x, 8, 3)) + 1))


def test_branch_ends_of_a_branch_that_is_split():
    assert branch(lambda x: x + concat(*reversed(split(norm(conv(x, 8, 3)), 2)))) == ["norm1.scale"]


def test_every_branch_of_a_longer_sum_starts_at_zero():
    """`a + b + c` is two additions and one sum."""
    ends = ["norm1.scale", "conv2.weight"]
    assert branch(lambda x: x + norm(conv(x, 8, 3)) + conv(x, 8, 1)) == ends
    assert branch(lambda x: norm(conv(x, 8, 3)) + conv(x, 8, 1) + x) == ends
    assert branch(lambda x: Shortcut(16, 2)(x) + norm(conv(x, 16, 3, 2)) + conv(x, 16, 1, 2)) == ends
    assert branch(lambda x: chained(x, x)) == ends
    assert branch(lambda x: chained(x, Shortcut(8, 1, "project_all")(x))) == ends


def chained(x, shortcut):
    """A second branch that goes on from the first."""
    first = norm(conv(x, 8, 3))
    return shortcut + first + conv(first, 8, 3)


def test_two_residual_blocks_in_a_row_are_two_sums():
    """The first sum is the shortcut of the second, not a part of it."""

    def two(x):
        x = x + conv(x, 8, 3)
        return x + conv(x, 8, 3)

    assert branch(two) == ["conv1.weight", "conv2.weight"]


def test_a_branch_that_would_be_dead_is_refused():
    with pytest.raises(LabError, match=r"branch that add1 adds ends in relu \(relu1\), and would not learn"):
        branch(lambda x: x + relu(norm(conv(x, 8, 3))))


def test_refusal_reaches_the_experiment_with_file_and_line(workspace):
    @block("dead")
    def dead(x, channels, stride, shortcut):
        return shortcut(x) + relu(norm(conv(x, channels, 3, stride)))

    (workspace / "variants" / "v.yaml").write_text("extends: resnet18\nevery_stage: {block: dead, conv_bias: null}\n")
    (workspace / "experiments" / "e.yaml").write_text(
        "data: {size: 32}\nvariants:\n  - resnet18\n  - v\n"
        "train: {epochs: 1, batch_size: 8, init: {last_scale: zero}}\n"
    )
    from resnet_lab.specs.experiment import load
    from resnet_lab.sweeps.plan import plan

    with pytest.raises(LabError, match=r"experiments/e.yaml:4: init.last_scale: zero does not fit this network"):
        plan(load("experiments/e.yaml"))


def test_files_keep_every_bit_and_damaged_ones_are_refused(tmp_path):
    drawn = initial(rl.graph("cifar_resnet20"), 0)
    safetensors.save(tmp_path / "w.safetensors", drawn, {"digest": "x"})
    again = safetensors.load(tmp_path / "w.safetensors")
    assert all(np.array_equal(drawn[name], again[name]) for name in drawn)
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]
    (tmp_path / "w.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:1000])
    with pytest.raises(LabError, match="cannot be read as safetensors"):
        safetensors.load(tmp_path / "w.safetensors")
