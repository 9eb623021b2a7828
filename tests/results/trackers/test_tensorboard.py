"""TensorBoard: what is written is read back by TensorBoard itself."""

import pytest

from resnet_lab.results.trackers.tensorboard import TensorBoard

pytest.importorskip("tensorboard", reason="tensorboard is not installed")


def test_epochs_are_read_back(tmp_path, play):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    play(TensorBoard(tmp_path))
    folders = {path.name: path for path in (tmp_path / "tensorboard").iterdir()}
    assert sorted(folders) == ["net_torch_lr=0.1_seed=0_0123456789ab", "net_torch_lr=0.2_seed=0_ba9876543210"]
    events = EventAccumulator(str(folders["net_torch_lr=0.1_seed=0_0123456789ab"])).Reload()
    assert [(one.step, one.value) for one in events.Scalars("val_accuracy")] == [(1, 0.5), (2, 0.75)]
    assert events.Scalars("trial/test_accuracy")[0].value == pytest.approx(0.7)


def test_another_folder_may_be_named(tmp_path, play):
    play(TensorBoard(tmp_path / "results", path=str(tmp_path / "events")))
    assert len(list((tmp_path / "events").iterdir())) == 2
    assert not (tmp_path / "results").exists()
