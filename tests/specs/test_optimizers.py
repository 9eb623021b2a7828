"""Each optimizer's reference rule against PyTorch's optimizer in float64, and how its settings are read."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.specs.identity import identity
from resnet_lab.specs.optimizers import OPTIMIZERS, Adam, AdamW, OptimizerSpec, RmsProp, Sgd
from tests.conftest import engine_or_skip

SAME = [
    (Sgd(lr=0.1), "SGD", {}),
    (Sgd(lr=0.1, momentum=0.9, weight_decay=0.1), "SGD", {"momentum": 0.9, "weight_decay": 0.1}),
    (Sgd(lr=0.1, momentum=0.9, nesterov=True), "SGD", {"momentum": 0.9, "nesterov": True}),
    (Adam(lr=0.1, weight_decay=0.1), "Adam", {"weight_decay": 0.1}),
    (Adam(lr=0.1, beta1=0.5, beta2=0.9, epsilon=1e-3), "Adam", {"betas": (0.5, 0.9), "eps": 1e-3}),
    (AdamW(lr=0.1, weight_decay=0.1), "AdamW", {"weight_decay": 0.1}),
    (RmsProp(lr=0.1, weight_decay=0.1), "RMSprop", {"alpha": 0.9, "weight_decay": 0.1}),
]


def test_every_optimizer_is_compared():
    assert {rule.name for rule, _, _ in SAME} == set(OPTIMIZERS)


@pytest.mark.parametrize(("rule", "name", "settings"), SAME, ids=lambda value: str(value)[:60])
def test_the_reference_rule_is_pytorchs_at_a_constant_rate(rule, name, settings):
    engine_or_skip("torch")
    import torch

    rng = np.random.default_rng(0)
    weight = rng.standard_normal((3, 4))
    theirs = torch.nn.Parameter(torch.from_numpy(weight.copy()))
    optimizer = getattr(torch.optim, name)([theirs], lr=rule.lr, **settings)
    state = {slot: np.zeros_like(weight) for slot in rule.slots}
    for step in range(1, 6):
        gradient = rng.standard_normal((3, 4))
        theirs.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        weight, state = rule.update(weight, gradient, state, rule.lr, step, rule.weight_decay)
        assert set(state) == set(rule.slots)
    assert np.allclose(weight, theirs.detach().numpy(), rtol=1e-9, atol=1e-9)


def test_a_word_is_a_name_and_no_name_is_sgd():
    adapter = TypeAdapter(OptimizerSpec)
    assert adapter.validate_python("adam") == Adam()
    assert adapter.validate_python({"momentum": 0.5}) == Sgd(momentum=0.5)
    assert identity(Adam()) == {"name": "adam"}
    assert identity(Sgd(lr=0.2)) == {"name": "sgd", "lr": 0.2}


TEXT = "variants: [cifar_resnet20]\ntrain:\n  epochs: 1\n  batch_size: 8\n  optimizer:\n"


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (["name: adam", "momentum: 0.9"], 7, "'train.optimizer.momentum': 'momentum' belongs to sgd, not to adam"),
        (["lr: 0.1", "beta1: 0.8"], 7, "'train.optimizer.beta1': 'beta1' belongs to adam, adamw, not to sgd"),
        (["name: adamm"], 6, "unknown 'train.optimizer.name': 'adamm'; did you mean 'adam'?"),
        (["lr: 0.1", "momentun: 0.8"], 7, "unknown key in 'train.optimizer': 'momentun'; did you mean 'momentum'?"),
        (["lr: 0.1", "nesterov: true"], 5, "'train.optimizer': nesterov needs a momentum above 0"),
        (["weight_decay: 0", "lr: .inf"], 7, "'train.optimizer.lr' is inf: it should be a finite number"),
        (["name: adam", "lr: .nan"], 7, "'train.optimizer.lr' is nan: it should be a finite number"),
    ],
)
def test_a_wrong_setting_is_refused_at_its_line(workspace, lines, line, message):
    (workspace / "experiments" / "e.yaml").write_text(TEXT + "".join(f"    {text}\n" for text in lines))
    with pytest.raises(LabError) as error:
        load("experiments/e.yaml")
    assert str(error.value).startswith(f"experiments/e.yaml:{line}: {message}")
