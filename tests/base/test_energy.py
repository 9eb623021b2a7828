"""Energy: the counters that are read, and a counter that begins again."""

import pytest

from resnet_lab.base import energy, nvml


@pytest.fixture
def rapl(tmp_path, monkeypatch):
    """Two processors; a part of the first must not be counted twice."""
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text("5000000\n")
        (tmp_path / name / "max_energy_range_uj").write_text("9000000\n")
    monkeypatch.setattr(energy, "RAPL", tmp_path)
    return tmp_path


def test_the_processors_are_added_up_once(rapl):
    joules = energy.meter("cpu")
    (rapl / "intel-rapl:0" / "energy_uj").write_text("7000000")
    (rapl / "intel-rapl:0:0" / "energy_uj").write_text("7000000")
    assert joules() == 2.0
    (rapl / "intel-rapl:1" / "energy_uj").write_text("1000000")  # it was full
    assert joules() == 7.0


def test_nothing_is_measured_where_nothing_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "RAPL", tmp_path)
    assert energy.meter("cpu") is None
    monkeypatch.setattr(nvml, "joules", lambda device: None)
    assert energy.meter("gpu:0") is None


def test_a_gpu_is_measured_from_the_start_on(monkeypatch):
    readings = iter([100.0, 130.0])
    monkeypatch.setattr(nvml, "joules", lambda device: next(readings))
    joules = energy.meter("gpu:0")
    assert joules() == 30.0
