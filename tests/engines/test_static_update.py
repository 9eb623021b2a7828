"""The update whose changing numbers lie in tensors, against the plain update; in training: test_captured.py."""

import math
from itertools import pairwise

import numpy as np
import pytest

from resnet_lab.specs.optimizers import OPTIMIZERS, Sgd
from tests.conftest import engine_or_skip

COSINE = [0.05 * (1 + math.cos(math.pi * step / 10)) for step in range(11)]
"""The last rate is 0."""


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


def updated(torch, static, rule, rates, state=None):
    """Weights and states after steps with random gradients, from random weights or from those of a state."""
    from resnet_lab.engines.torch.static_update import StaticUpdate
    from resnet_lab.engines.torch.update import Update

    torch.manual_seed(1)
    own = {"conv.weight": torch.nn.Parameter(torch.randn(8, 3, 3, 3)), "conv.bias": torch.nn.Parameter(torch.randn(37))}
    update = (StaticUpdate if static else Update)(rule, own, 1.0, 0.5)
    if state is not None:
        update.load(state)
    for rate in rates:
        for parameter in own.values():
            parameter.grad = torch.randn_like(parameter)
        update(rate)
    return {name: parameter.detach().numpy() for name, parameter in own.items()} | update.state()


RULES = [kind(weight_decay=0.01, decay="weights") for kind in OPTIMIZERS.values()]
RULES.append(Sgd(momentum=0.9, nesterov=True, weight_decay=0.01))


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_both_updates_agree_bit_for_bit_and_read_each_others_state(torch, rule):
    plain, static = (updated(torch, kind, rule, COSINE) for kind in (False, True))
    state = {name: value for name, value in plain.items() if name not in ("conv.weight", "conv.bias")}
    again = [updated(torch, kind, rule, COSINE[:4], state) for kind in (False, True)]
    for one, other in ((plain, static), again):
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not np.array_equal(plain["conv.weight"], again[0]["conv.weight"])


def test_momentum_is_exact_under_a_constant_rate_and_rounded_once_more_under_another(torch):
    rule = Sgd(momentum=0.9, weight_decay=0.01)
    for rates, bound in (([0.1] * 8, 0.0), (COSINE[:8], 1e-6)):
        plain, static = (updated(torch, kind, rule, rates) for kind in (False, True))
        assert max(np.abs(static[name] - plain[name]).max() for name in plain) <= bound


def test_an_unchanged_rate_is_not_written_again(torch):
    from resnet_lab.engines.torch.static_update import StaticUpdate

    update = StaticUpdate(Sgd(), {"a.weight": torch.nn.Parameter(torch.zeros(2))})
    versions = []
    for rate in (0.1, 0.1, 0.0, 0.0, 0.1):
        update.put(rate)
        versions.append(update._next_rate._version)
    assert [after - before for before, after in pairwise(versions)] == [0, 1, 0, 1]
    assert float(update._next_rate) == 0.1
