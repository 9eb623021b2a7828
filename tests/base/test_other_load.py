"""The cores that other programs use, measured on a machine that is made up."""

from collections import namedtuple
from types import SimpleNamespace

import psutil
import pytest

from resnet_lab.base import other_load

Core = namedtuple("Core", "user nice system idle iowait irq softirq steal guest guest_nice")
Own = namedtuple("Own", "user system children_user children_system iowait")


@pytest.fixture
def machine(monkeypatch):
    """A machine of two cores: `machine(seconds, busy=..., own=..., child=...)` lets time pass."""
    state = SimpleNamespace(now=0.0, busy=0.0, own=0.0, child=0.0, idle=0.0)

    def go_on(seconds, busy=0.0, own=0.0, child=0.0):
        state.now += seconds
        state.busy, state.own, state.child = state.busy + busy, state.own + own, state.child + child
        state.idle += 2 * seconds

    def cpu_times(percpu):
        core = Core(state.busy / 2, 0, 0, state.idle, state.idle, 0, 0, 0, state.busy, 0)
        return [core, core, core._replace(user=state.now)]  # the third core is not ours to use

    class Process:
        def cpu_times(self):
            return Own(state.own, 0, 0, 0, 99.0 * state.now)

        def children(self, recursive):
            gone = SimpleNamespace(cpu_times=lambda: (_ for _ in ()).throw(psutil.NoSuchProcess(1)))
            return [SimpleNamespace(cpu_times=lambda: Own(state.child, 0, 0, 0, 0)), gone]

    monkeypatch.setattr(psutil, "cpu_times", cpu_times)
    monkeypatch.setattr(psutil, "Process", Process)
    monkeypatch.setattr(other_load.os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    monkeypatch.setattr(other_load.time, "perf_counter", lambda: state.now)
    return go_on


def test_what_this_process_and_its_children_use_is_not_the_others(machine):
    load = other_load.OtherLoad()
    machine(10, busy=17, own=10, child=4)
    assert load.cores() == pytest.approx(0.3)
    machine(10, busy=17, own=10, child=4)
    assert load.cores() == pytest.approx(0.3)


def test_a_clock_of_coarse_ticks_gives_no_negative_load(machine):
    load = other_load.OtherLoad()
    machine(1, busy=0.99, own=1)
    assert load.cores() == 0


@pytest.mark.parametrize(("others", "message"), [(0.1, ""), (0.4, "the machine is busy: other programs use 0.8 cores")])
def test_a_busy_machine_is_named_in_one_line(machine, monkeypatch, others, message):
    monkeypatch.setattr(other_load.time, "sleep", lambda seconds: machine(seconds, busy=others))
    load = other_load.OtherLoad()
    machine(0.5, busy=others)
    found = load.warning()
    assert found.startswith(message)
    assert bool(found) == bool(message)


def test_a_program_that_has_ended_meanwhile_is_no_reason_for_a_warning(machine, monkeypatch):
    monkeypatch.setattr(other_load.time, "sleep", lambda seconds: machine(seconds, busy=0.0))
    load = other_load.OtherLoad()
    machine(0.2, busy=0.9)
    assert load.warning() == ""


def test_this_machine_can_be_measured():
    assert other_load.OtherLoad().cores() >= 0
