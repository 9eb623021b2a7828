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
