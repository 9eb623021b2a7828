"""The scheduler of MXNet's distributed kvstore ends with the process that started it."""

import time

import psutil

from resnet_lab.base import child_process
from resnet_lab.engines.contract import Rank
from tests.conftest import engine_or_skip


def test_a_scheduler_waits_for_the_others_until_its_input_ends():
    engine_or_skip("mxnet")
    from resnet_lab.engines.mxnet.group import environment

    variables = environment("scheduler", Rank(0, 2, "127.0.0.1:0"))
    with child_process.start("resnet_lab.engines.mxnet.group_helper", "scheduler", variables) as process:
        while not any("libmxnet" in each.path for each in psutil.Process(process.pid).memory_maps()):
            assert process.poll() is None
            time.sleep(0.05)
        process.stdin.close()
        assert process.wait(timeout=30) == 1
