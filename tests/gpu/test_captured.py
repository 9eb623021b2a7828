"""The comparison of captured steps with plain ones, rehearsed on a CPU: a tape takes the place of CUDA graphs."""

import pytest

from resnet_lab.engines import torch as engine_torch
from tests.conftest import engine_or_skip
from tests.engines.test_agreement import noise

from . import captured
from .job import Job
from .journal import Journal


@pytest.mark.parametrize("loses_a_step", [False, True])
def test_captured_steps_are_compared_with_plain_ones_and_a_failed_capture_is_seen(tmp_path, monkeypatch, loses_a_step):
    engine_or_skip("torch")
    from resnet_lab.engines.torch import model
    from tests.engines.tape import Tape, Tapes

    monkeypatch.setattr(model, "CudaGraphs", Tapes)
    monkeypatch.setattr(engine_torch, "choose", lambda wanted, device: (wanted, "asked for"))
    monkeypatch.setattr(Job, "compile_modes", lambda job: ("off", "step-eager"))
    if loses_a_step:
        replay = Tape.replay
        monkeypatch.setattr(Tape, "replay", lambda tape: None if tape.replays else replay(tape))
    captured.run(Job("agreement", 1, tmp_path, "cpu", True), noise(8, True))
    rows = Journal(tmp_path).lines("row")
    assert [row["what"] for row in rows] == ["captured steps"] * 3 + ["failed capture"]
    assert [row["agrees"] for row in rows] == [not loses_a_step] * 3 + [True]
    assert [row["two_plain_runs"] for row in rows[:3]] == [0.0] * 3
    assert "not permitted when stream is capturing" in rows[-1]["fallback"]
