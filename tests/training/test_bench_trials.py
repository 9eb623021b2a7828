"""The trials of verdicts in a small form: one planted slow-down that is larger than any noise."""

import resnet_lab as rl
from resnet_lab.training import speed
from resnet_lab.training.speed import Setting, ready
from resnet_lab.training.trial import Place
from tests.conftest import engine_or_skip
from tests.training.bench_trials import against_itself, sleeping

GRAPH = rl.graph("cifar_resnet20", (3, 8, 8))


def setting(mode):
    engine_or_skip("torch")
    return Setting("torch", Place("cpu", "off", 1), "float32", mode, 2)


def test_a_slow_layer_is_found(monkeypatch):
    monkeypatch.setattr(speed, "_SECONDS", 0.1)
    found = against_itself(GRAPH, setting("infer"), slower=4.0)
    assert found.low > 1
    assert found.ratio > 2


def test_the_sleep_is_in_the_forward_pass_and_ends_with_its_context():
    train = setting("train")
    with sleeping(0.05):
        model, _ = ready(GRAPH, train)
    plain, _ = ready(GRAPH, train)
    assert "late(" in model.block.code
    assert "late(" not in plain.block.code
