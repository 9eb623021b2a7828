"""Threads that a framework is given, and memory in the unit of the system."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from resnet_lab.base import hardware


def test_a_framework_is_imported_with_its_threads_and_the_variable_is_removed(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with hardware.openmp_threads(3):
        assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "OMP_NUM_THREADS" not in os.environ


def test_a_persons_own_choice_of_threads_stays(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    with hardware.openmp_threads(3):
        assert os.environ["OMP_NUM_THREADS"] == "5"
    assert os.environ["OMP_NUM_THREADS"] == "5"


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_the_unit_of_the_peak_memory_without_proc(monkeypatch, platform, unit):
    import resource

    def missing(self, *words, **options):
        raise OSError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=1000))
    assert hardware.peak_resident() == 1000 * unit


def test_the_memory_that_is_left():
    assert 0 < hardware.available_memory() < hardware.memory()
