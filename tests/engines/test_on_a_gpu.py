"""The torch engine on a pretended GPU: the code for GPUs, and how often Python waits for the GPU in training."""

import numpy as np
import pytest

from resnet_lab import engines
from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Adam, Sgd
from resnet_lab.training.epoch import train_epoch
from tests.data.augmentations.batches import KINDS
from tests.engines.capturing import BATCHES, CONSTANT, COSINE, assert_equal, digits, residual, trained, trained_on
from tests.engines.test_captured_fallback import reads_its_loss

TOGETHER = {kind: setting for kind, setting in KINDS.items() if kind != "resize"}
ALONE = [{kind: setting} for kind, setting in KINDS.items()]


def model(device, mode="off", precision="float32", graph=None, rule=None, **settings):
    graph = graph or residual()
    own = engines.get("torch").build(graph, device, precision, mode)
    own.load(initial(graph, 0))
    own.prepare(rule or Sgd(momentum=0.9, nesterov=True), **settings)
    return own


def waits_of_an_epoch(gpu, own, batches, rates=CONSTANT):
    """What Python waits for in an epoch that is not the first one."""
    for epoch in range(2):
        gpu.waits.clear()
        one = batches.epoch(epoch) if hasattr(batches, "epoch") else batches
        train_epoch(own, one, rates[: len(BATCHES)], epoch, lambda images, loss: None)
    return gpu.waits


@pytest.mark.parametrize("settings", [{}, {"clip_norm": 1.0, "ema": 0.9}, {"rule": Adam()}], ids=str)
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_training_computes_what_the_cpu_computes(gpu, precision, settings):
    on_cpu = trained(model("cpu", precision=precision, **settings), COSINE)
    assert_equal(trained(model("gpu:0", precision=precision, **settings), COSINE), on_cpu)


@pytest.mark.parametrize("settings", [{}, {"clip_norm": 1.0, "ema": 0.9}], ids=str)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_captured_steps_compute_what_the_cpu_computes(gpu, precision, settings):
    on_cpu = trained(model("cpu", precision=precision, **settings), COSINE)
    own = model("gpu:0", "step-eager", precision, **settings)
    assert_equal(trained(own, COSINE), on_cpu)
    assert own.fallback is None
    assert gpu.replays == 2 * len(BATCHES) - 3


def test_captured_steps_of_adam_differ_by_the_rounding_of_the_rate(gpu):
    """PyTorch's fused Adam reads the rate as float32 on a GPU, and as float64 on the CPU."""
    on_cpu = trained(model("cpu", rule=Adam(lr=0.001)), COSINE)
    own = trained(model("gpu:0", "step-eager", rule=Adam(lr=0.001)), COSINE)
    assert gpu.replays
    for name, value in on_cpu.items():
        np.testing.assert_allclose(own[name], value, rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("mode", ["off", "step-eager"])
@pytest.mark.parametrize("augment", [{"pad_crop": 2, "flip": True}, *ALONE, TOGETHER], ids=",".join)
def test_batches_made_on_the_gpu_are_those_of_the_cpu(gpu, augment, mode):
    graph = residual(8, 3, 10)
    on_cpu = trained_on(model("cpu", graph=graph), digits(**augment))
    own = model("gpu:0", mode, graph=graph)
    assert_equal(trained_on(own, digits(**augment)), on_cpu)
    assert own.fallback is None
    assert bool(gpu.replays) == (mode == "step-eager")


@pytest.mark.parametrize("mode", ["off", "step-eager"])
def test_no_step_waits_for_the_gpu_where_the_host_makes_the_batches(gpu, mode):
    assert waits_of_an_epoch(gpu, model("gpu:0", mode), BATCHES) == []


@pytest.mark.parametrize("mode", ["off", "step-eager"])
@pytest.mark.parametrize("augment", [{"pad_crop": 2, "flip": True}, TOGETHER], ids=["crops and flips", "all"])
def test_no_step_waits_for_the_gpu_where_the_gpu_makes_the_batches(gpu, mode, augment):
    own = model("gpu:0", mode, graph=residual(8, 3, 10))
    assert waits_of_an_epoch(gpu, own, digits(**augment)) == []


def test_float16_waits_once_in_each_step(gpu):
    """To leave out a step whose gradients are not finite, Python must know whether they are."""
    waits = waits_of_an_epoch(gpu, model("gpu:0", precision="float16"), BATCHES)
    assert len(waits) == len(BATCHES)
    assert {wait.split()[0] for wait in waits} == {"_local_scalar_dense"}


def test_after_a_failed_capture_memory_is_given_back_and_the_next_model_is_captured(gpu):
    failed = reads_its_loss(model("gpu:0", "step-eager"))
    assert_equal(trained(failed), trained(model("cpu")))
    assert "not permitted when stream is capturing" in failed.fallback.reason
    engines.get("torch").clean_up()
    other = model("gpu:0", "step-eager")
    assert_equal(trained(other), trained(model("cpu")))
    assert other.fallback is None
