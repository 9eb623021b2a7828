"""Every engine and its model have all that the contract states, with the same parameters."""

from __future__ import annotations

import inspect

import pytest

import resnet_lab as rl
from resnet_lab import engines
from resnet_lab.engines import contract
from tests.conftest import engine_or_skip

NAMES = [*engines.names(), "nothing"]


@pytest.fixture(autouse=True)
def nothing(monkeypatch):
    """The engine that computes nothing, with which other tests measure sweeps."""
    monkeypatch.setattr(engines, "_ADDED", {})
    engines.add("nothing", "tests.engines.nothing")


def members(protocol):
    """The names that a protocol states: its methods, and its annotated attributes."""
    methods = {name for name, value in vars(protocol).items() if inspect.isfunction(value) and name[0] != "_"}
    return methods, set(protocol.__annotations__)


def differing(protocol, thing):
    """The methods of a thing whose parameters differ from those of the protocol in name, order or default."""

    def parameters(function):
        found = inspect.signature(function).parameters.values()
        return [(each.name, each.default) for each in found if each.name != "self"]

    methods, _ = members(protocol)
    return [name for name in methods if parameters(getattr(protocol, name)) != parameters(getattr(thing, name))]


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_has_what_the_contract_states(name):
    engine = engines.get(name)
    methods, attributes = members(contract.Engine)
    assert [each for each in methods | attributes if not hasattr(engine, each)] == []
    assert differing(contract.Engine, engine) == []
    assert engine.name == name
    assert engine.default_compile_mode in engine.compile_modes
    assert "auto" not in engine.compile_modes


@pytest.mark.parametrize("name", NAMES)
def test_a_model_and_its_steps_have_what_the_contract_states(name):
    model = engine_or_skip(name).build(rl.graph("cifar_resnet20", classes=10), "cpu")
    methods, attributes = members(contract.Model)
    assert [each for each in methods | attributes if not hasattr(model, each)] == []
    assert differing(contract.Model, model) == []
