"""Measurements in turns: each begins another turn, and an error or a lack of time costs only its own name."""

import time
from types import SimpleNamespace

import pytest

import resnet_lab as rl
from resnet_lab.engines.contract import Fallback
from tests.conftest import engine_or_skip
from tests.engines.nothing import NoModel

from . import turns
from .job import NO_TIME
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


@pytest.mark.parametrize(
    ("names", "until", "ready", "counted"),
    [("abcdefgh", 99, "abcdefg", 1), ("abc", 150, "abc", 3), ("abc", 10_000, "abc", 5), ("abc", 5, "a", 1)],
)
def test_little_time_leaves_out_the_last_names_and_turns(monkeypatch, names, until, ready, counted):
    """A turn takes ten seconds here, and 0.7 of the time is for preparing."""
    engine_or_skip("torch")
    clock = [0.0]

    def turn():
        clock[0] += 10

    fake = SimpleNamespace(monotonic=lambda: clock[0], perf_counter=time.perf_counter)
    monkeypatch.setattr(turns, "time", fake)
    results = take_turns({name: lambda: turn for name in names}, 1, 5, until)
    assert {name: result.get("turns") for name, result in results.items()} == {
        name: counted if name in ready else None for name in names
    }
    assert {result["problem"] for name, result in results.items() if name not in ready} <= {NO_TIME}


def test_graphs_that_torch_compile_did_not_record_are_counted_for_the_program_that_was_prepared():
    engine_or_skip("torch")
    from torch._dynamo.utils import counters

    def skips(count):
        counters["inductor"]["cudagraph_skips"] += count
        return lambda: None

    results = take_turns({"a": lambda: skips(0), "b": lambda: skips(2), "c": lambda: skips(0)}, 1, 1)
    assert [result.get("cudagraph_skips") for result in results.values()] == [None, 2, None]


def test_a_model_that_fell_back_to_another_compile_mode_is_no_figure_of_its_name():
    model = NoModel(rl.graph("cifar_resnet20"), "cpu")
    check_mode(model)
    model.fallback = Fallback("default", "an operation waits")
    with pytest.raises(RuntimeError, match="fell back to 'default': an operation waits"):
        check_mode(model)
