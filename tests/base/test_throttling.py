"""Throttling: what Linux counts since the watch began, and what NVML says now."""

from resnet_lab.base import nvml, throttling


def test_a_processor_is_throttled_if_a_core_counts_on(tmp_path, monkeypatch):
    for number in range(2):
        (tmp_path / f"cpu{number}" / "thermal_throttle").mkdir(parents=True)
        (tmp_path / f"cpu{number}" / "thermal_throttle" / "core_throttle_count").write_text("3")
    monkeypatch.setattr(throttling, "CORES", tmp_path)
    slow = throttling.watch("cpu")
    assert not slow()
    (tmp_path / "cpu1" / "thermal_throttle" / "core_throttle_count").write_text("4")
    assert slow()


def test_a_machine_that_does_not_say_is_not_throttled(tmp_path, monkeypatch):
    monkeypatch.setattr(throttling, "CORES", tmp_path)
    assert not throttling.watch("cpu")()
    monkeypatch.setattr(nvml, "throttled", lambda device: None)
    assert not throttling.watch("gpu:0")()
    monkeypatch.setattr(nvml, "throttled", lambda device: True)
    assert throttling.watch("gpu:0")()
