"""MXNet's distributed kvstore; two processes that train: tests/training/test_group.py."""

import pytest

from resnet_lab.engines.contract import Rank
from tests.conftest import engine_or_skip


@pytest.fixture
def module():
    engine_or_skip("mxnet")
    from resnet_lab.engines.mxnet import group

    return group


def test_mxnet_is_told_where_the_others_are(module):
    variables = module.environment("server", Rank(1, 3, "127.0.0.1:4567"))
    assert variables["DMLC_ROLE"] == "server"
    assert (variables["DMLC_PS_ROOT_URI"], variables["DMLC_PS_ROOT_PORT"]) == ("127.0.0.1", "4567")
    assert (variables["DMLC_NUM_WORKER"], variables["DMLC_NUM_SERVER"]) == ("3", "1")


class OneProcess:
    """The kvstore of one process alone, which keeps the arrays that it is given."""

    def __init__(self):
        self.pushed = {}

    def init(self, name, value):
        self.pushed[name] = []

    def push(self, name, array):
        self.pushed[name].append(array)

    def pull(self, name, out):
        assert out is self.pushed[name][-1]


def test_the_score_of_every_step_uses_one_array_but_is_returned_as_a_copy(module, monkeypatch):
    """By the array, MXNet orders the push of a step after the pull of the last; a new one lost that order."""
    import mxnet as mx

    store = OneProcess()
    monkeypatch.setattr(module.mx.kv, "create", lambda kind: store)
    monkeypatch.setattr(module.os, "environ", {})  # the variables for MXNet would otherwise stay
    group = module.Group(Rank(1, 2, "127.0.0.1:4567"))
    scores = [group.combine({}, mx.nd.array([step / 2]), mx.nd.array([step])) for step in (3, 4)]
    assert [(float(loss.asscalar()), float(right.asscalar())) for loss, right in scores] == [(1.5, 3), (2, 4)]
    first, second = store.pushed["score of a step"]
    assert first is second
