"""The words for devices, and the checks that all engines share."""

import numpy as np
import pytest

from resnet_lab import LabError, ops
from resnet_lab.engines.devices import (
    check_compile,
    check_norm,
    check_precision,
    check_weights,
    choose_device,
    device_numbers,
    single_devices,
)
from tests.engines.gradients import graph_of


def test_the_words_of_devices():
    words = ("auto", "cpu", "gpu", "gpu:3", "gpu:2,0", "cpu:0,1")
    assert [device_numbers(word) for word in words] == [[], [], [0], [3], [2, 0], [0, 1]]
    assert single_devices("gpu:2,0") == ["gpu:2", "gpu:0"]
    assert [single_devices(word) for word in ("cpu", "gpu:3", "cpu:0,1")] == [["cpu"], ["gpu:3"], ["cpu", "cpu"]]
    assert choose_device("it", "cpu:0,1", 0, "no GPU") == ("cpu:0,1", "asked for")
    assert choose_device("it", "gpu:0,1", 2, "") == ("gpu:0,1", "asked for")
    assert choose_device("it", "auto", 2, "")[0] == "gpu:0"
    with pytest.raises(LabError, match="the device 'gpu:0,2' cannot be used: it sees 2 GPU"):
        choose_device("it", "gpu:0,2", 2, "")
    for word in ("gpu:", "gpu:0,", "gpu:a", "cpu:0", "cpu:0,", "cuda"):
        with pytest.raises(LabError, match=f"unknown device '{word}'"):
            device_numbers(word)


def test_what_an_engine_cannot_do_is_refused_with_what_it_can():
    with pytest.raises(LabError, match="the engine 'e' has no synchronised batch norm"):
        check_norm("e", "synchronised", False)
    check_norm("e", "synchronised", True)
    check_norm("e", "local", False)
    with pytest.raises(LabError, match="the engine 'e' computes in float32 or bfloat16, not in float16"):
        check_precision("e", "float16", ["float32", "bfloat16"])
    with pytest.raises(LabError, match="'compile' of the engine 'e' must be auto, on or off, not of"):
        check_compile("e", "of", ["on", "off"])


def test_weights_that_do_not_fit_are_listed_and_counted():
    graph = graph_of(lambda x: ops.norm(ops.conv(x, 4, 3)), (3, 8, 8))
    weights = {name: np.zeros(parameter.shape, np.float32) for name, parameter in graph.parameters.items()}
    check_weights(graph, weights)
    extra = weights | {f"extra{number}": np.zeros(1) for number in range(7)}
    with pytest.raises(LabError, match="left over extra0; .* and 2 more"):
        check_weights(graph, extra)
