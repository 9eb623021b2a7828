"""NVML: the calls of NVIDIA's library, with a library in its place."""

import ctypes

import pytest

from resnet_lab.base import nvml


class Library:
    """Gives 1,500 mJ for GPU 2 and for one UUID; refuses every other GPU."""

    reasons = 0

    def nvmlDeviceGetHandleByIndex_v2(self, index, handle):
        handle._obj.value = 7
        return 0 if index.value == 2 else 2

    def nvmlDeviceGetHandleByUUID(self, name, handle):
        handle._obj.value = 7
        return 0 if name == b"GPU-1234" else 2

    def nvmlDeviceGetTotalEnergyConsumption(self, handle, value):
        assert handle.value == 7
        value._obj.value = 1500
        return 0

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle, value):
        value._obj.value = self.reasons
        return 0


@pytest.fixture
def library(monkeypatch):
    library = Library()
    monkeypatch.setattr(nvml, "_library", lambda: library)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return library


def test_energy_is_given_in_joules(library):
    assert nvml.joules("gpu:2") == 1.5
    assert nvml.joules("gpu:0") is None
    assert nvml.joules("cpu") is None


@pytest.mark.parametrize("visible", ["2", "GPU-1234,0"])
def test_a_gpu_is_found_by_the_name_that_cuda_gives_it(library, monkeypatch, visible):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert nvml.joules("gpu:0") == 1.5


@pytest.mark.parametrize(("reasons", "slow"), [(0, False), (1, False), (0x40, True), (0x04, True)])
def test_an_idle_clock_is_not_throttled(library, reasons, slow):
    library.reasons = reasons
    assert nvml.throttled("gpu:2") is slow


def test_without_a_driver_nothing_is_known(monkeypatch):
    def missing(name):
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", missing)
    nvml._library.cache_clear()
    assert nvml.joules("gpu:0") is None
    assert nvml.throttled("gpu:0") is None
    nvml._library.cache_clear()
