"""Measurements in turns: each begins another turn, and an error costs only its own name."""

import pytest

import resnet_lab as rl
from resnet_lab.engines.contract import Fallback
from tests.conftest import engine_or_skip
from tests.engines.nothing import NoModel

from .turns import check_mode, take_turns


def test_each_turn_begins_with_another_name_and_the_first_call_warms_up():
    calls = []
    makers = {name: lambda name=name: lambda: calls.append(name) for name in "abc"}
    engine_or_skip("torch")
    results = take_turns(makers, 10, 3)
    assert "".join(calls) == "abc" + "abc" + "bca" + "cab"
    assert {result["turns"] for result in results.values()} == {3}
    assert all(
        result["images_per_s_p10"] <= result["images_per_s"] <= result["images_per_s_p90"]
        for result in results.values()
    )


def test_an_error_when_making_or_in_a_later_turn_is_a_problem_of_its_name():
    engine_or_skip("torch")
    count = 0

    def missing():
        raise LookupError("timm is not installed")

    def third_fails():
        nonlocal count
        count += 1
        if count == 3:
            raise RuntimeError("CUDA out of memory")

    results = take_turns({"a": missing, "b": lambda: third_fails, "c": lambda: lambda: None}, 1, 4)
    assert results["a"] == {"problem": "LookupError: timm is not installed"}
    assert results["b"] == {"problem": "RuntimeError: CUDA out of memory"}
    assert results["c"]["turns"] == 4


def test_a_model_that_fell_back_to_another_compile_mode_is_no_figure_of_its_name():
    model = NoModel(rl.graph("cifar_resnet20"), "cpu")
    check_mode(model)
    model.fallback = Fallback("default", "an operation waits")
    with pytest.raises(RuntimeError, match="fell back to 'default': an operation waits"):
        check_mode(model)
