"""Steps that are not captured: the model falls back by name, and loses nothing."""

import pytest

from resnet_lab.engines.contract import Diverged, Fallback, Rank
from resnet_lab.specs.optimizers import OPTIMIZERS, Sgd
from resnet_lab.training.epoch import train_epoch
from tests.engines.capturing import BATCHES, assert_equal, digits, residual, trained, trained_on


def reads_its_loss(model):
    """Let every step read its loss, which waits for the device, and so cannot be captured."""
    forward = model._forward

    def reading(*args):
        logits, loss = forward(*args)
        assert loss.item() == loss.item()
        return logits, loss

    model._forward = reading
    return model


@pytest.mark.parametrize("rule", [kind(weight_decay=0.01) for kind in OPTIMIZERS.values()], ids=str)
def test_a_step_that_cannot_be_captured_falls_back_by_name_and_loses_nothing(make, rule):
    plain, captured = make("off", rule, ema=0.9), reads_its_loss(make("step-eager", rule, ema=0.9))
    assert_equal(trained(plain), trained(captured))
    assert captured.fallback.mode == "off"
    assert "not permitted when stream is capturing: aten._local_scalar_dense" in captured.fallback.reason
    captured.prepare(rule)
    assert captured._captured is None, "a model that has fallen back does not try again"


def test_a_failed_capture_in_the_middle_of_an_epoch_on_the_device(make):
    graph = residual(8, classes=10)
    captured, feed = reads_its_loss(make("step-eager", graph=graph)), digits(pad_crop=2, flip=True)
    assert_equal(trained_on(make("off", graph=graph), feed), trained_on(captured, feed))
    assert captured.fallback is not None


def test_several_processes_are_not_captured(make, monkeypatch):
    from resnet_lab.engines.torch import model

    monkeypatch.setattr(model, "Group", lambda rank, device: None)
    own = model.TorchModel(residual(), "cpu", "float32", "step-eager", Rank(0, 2, ""))
    assert (own.fallback.mode, own.fallback.reason) == ("off", "several processes train the model together")
    own.prepare(Sgd())
    assert own._captured is None


def test_float16_is_not_captured(make):
    """Its scale decides in each step whether the step counts."""
    plain, own = make("off", precision="float16"), make("step-eager", precision="float16")
    assert own.fallback == Fallback("off", "with float16, Python decides in each step whether it counts")
    assert_equal(trained(plain), trained(own))


def test_a_loss_that_is_no_number_ends_the_epoch(make):
    with pytest.raises(Diverged, match="training loss became (nan|inf)"):
        train_epoch(make("step-eager", Sgd()), BATCHES, [1e30] * 6, 0, lambda images, loss: None)
