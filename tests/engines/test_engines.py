"""The engines by name, and what `auto` means."""

import pytest

from resnet_lab import LabError, engines


@pytest.fixture
def problems(monkeypatch):
    """What each engine says of this machine; None if it can run."""
    said = {"mxnet": None, "torch": None}
    for name in said:
        monkeypatch.setattr(engines.get(name), "problem", lambda name=name: said[name])
    return said


def test_auto_is_the_first_engine_that_can_run_here(problems):
    assert engines.choose("auto") == ("mxnet", "it can run here")
    problems["mxnet"] = "MXNet is not installed"
    assert engines.choose("auto") == ("torch", "MXNet is not installed")
    assert engines.get("auto") is engines.get("torch")
    problems["torch"] = "PyTorch is not installed"
    assert engines.choose("auto") == ("mxnet", "MXNet is not installed; PyTorch is not installed")


def test_a_named_engine_stays_what_it_is(problems):
    problems["mxnet"] = "MXNet is not installed"
    assert engines.choose("mxnet") == ("mxnet", "asked for")
    with pytest.raises(LabError, match="unknown engine 'mxnt'; did you mean 'mxnet'?"):
        engines.choose("mxnt")


def test_a_trial_and_its_id_name_the_engine_that_auto_means(problems, workspace):
    from resnet_lab.specs.experiment import load
    from resnet_lab.sweeps.plan import plan

    file = workspace / "experiments" / "e.yaml"
    text = "variants: [cifar_resnet20]\ndata: {size: 8}\ntrain: {epochs: 1, batch_size: 32}\nengine: "

    def trials(engine):
        file.write_text(text + engine)
        return [(trial.engine, trial.id) for trial in plan(load(file)).trials]

    mxnet, torch = trials("mxnet"), trials("torch")
    assert trials("auto") == mxnet
    assert trials("[mxnet, auto]") == mxnet
    problems["mxnet"] = "MXNet is not installed"
    assert trials("auto") == torch != mxnet


def test_an_added_engine_is_known_by_its_name_and_is_never_the_automatic_one(problems, monkeypatch):
    monkeypatch.setattr(engines, "_ADDED", {})
    with pytest.raises(LabError, match="unknown engine 'nothing'"):
        engines.get("nothing")
    engines.add("nothing", "tests.engines.nothing")
    engines.add("mxnet", "tests.engines.nothing")
    assert engines.get("nothing").name == "nothing"
    assert engines.get("mxnet").name == "mxnet"  # our own engines keep their names
    problems |= dict.fromkeys(problems, "not installed")
    assert engines.choose("auto")[0] == "mxnet"
