"""Plans of measurements: all combinations of what is asked for, and what is refused before anything runs."""

import pytest

from resnet_lab import LabError, engines
from resnet_lab.sweeps.bench.plan import plan

SMALL = {"input": (3, 8, 8), "engine": ["nothing"]}


@pytest.fixture(autouse=True)
def nothing(monkeypatch):
    """The engine that computes nothing."""
    monkeypatch.setattr(engines, "_ADDED", {})
    engines.add("nothing", "tests.engines.nothing")


def test_all_combinations_are_planned():
    jobs = plan(
        ["cifar_resnet20"], **SMALL, precision=["float32", "float16"], mode=["train", "infer"], batch_size=[8, "max"]
    )
    assert [(job.engine, job.precision, job.place.device, job.place.compile) for job in jobs] == [
        ("nothing", "float32", "cpu", "off"),
        ("nothing", "float16", "cpu", "off"),
    ]
    assert jobs[0].tasks == (("train", 8), ("train", "max"), ("infer", 8), ("infer", "max"))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"mode": ["trian"]}, "unknown mode 'trian'; did you mean 'train'"),
        ({"batch_size": [0]}, "a batch size is a whole number from 1, or max, not 0"),
        ({"engine": ["torhc"]}, "unknown engine 'torhc'; did you mean 'torch'"),
        ({"peer": "keras"}, "unknown library for --peer 'keras'"),
        ({"peer": "timm"}, "unknown network of timm, by our names, 'cifar_resnet20'"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_runs(choices, message):
    with pytest.raises(LabError, match=message):
        plan(["cifar_resnet20"], **{**SMALL, **choices})


def test_the_networks_of_a_library_run_on_its_engine_only():
    with pytest.raises(LabError, match="the networks of gluoncv run on the engine 'mxnet' only"):
        plan(["cifar_resnet20_v1"], peer="gluoncv", engine=["torch"])
