"""How a sweep is shown: plain lines for logs, bars on a terminal."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from resnet_lab.sweeps.progress import Bar, Plain, Silent, for_console, outcome

TRIAL = SimpleNamespace(
    title="resnet18 mxnet lr=0.1 seed=0",
    id="0123456789ab",
    train=SimpleNamespace(epochs=2),
    graph=SimpleNamespace(macs=100, params=10),
)
EPOCH = {"event": "epoch", "epoch": 1, "train_loss": 0.5, "train_accuracy": 0.75, "images_per_s": 100.0}
OK = {"status": "ok", "reason": "", "test_accuracy": 0.9, "train_images_per_s": 100.0, "wall_s": 3.0}


def shown(kind, terminal):
    """What a whole sweep of two trials prints; the second fails."""
    text = io.StringIO()
    progress = kind(Console(file=text, force_terminal=terminal, width=200))
    progress.begin("e", 3, 1)
    progress.trial(TRIAL)
    progress.event(TRIAL, {"event": "resumed", "epochs": 1})
    progress.event(TRIAL, {"event": "note", "text": "the checkpoint is damaged"})
    progress.event(TRIAL, {"event": "step", "step": 3, "steps": 5, "loss": 0.123, "images_per_s": 100.0})
    progress.event(TRIAL, EPOCH)
    progress.result(TRIAL, OK)
    progress.trial(TRIAL)
    progress.result(TRIAL, {"status": "failed", "reason": "a fault"})
    progress.end()
    progress.end()
    return text.getvalue()


def test_plain_lines_number_the_trials_and_show_no_steps():
    assert shown(Plain, False).splitlines() == [
        "e: 3 trials, 1 done already",
        "[2/3] resnet18 mxnet lr=0.1 seed=0",
        "  goes on after epoch 1",
        "  the checkpoint is damaged",
        "  epoch 1/2: loss 0.5000, accuracy 0.7500, 100 images/s",
        "[2/3] resnet18 mxnet lr=0.1 seed=0 (0123456789ab): ok, test accuracy 0.9000, 100 images/s, 3 s",
        "[3/3] resnet18 mxnet lr=0.1 seed=0",
        "[3/3] resnet18 mxnet lr=0.1 seed=0 (0123456789ab): failed: a fault",
    ]


def test_bars_keep_what_has_ended_above_them():
    text = shown(Bar, True)
    assert "ok, test accuracy 0.9000" in text
    assert "failed: a fault" in text
    assert "the checkpoint is damaged" in text


def test_nothing_is_shown_to_a_program(capsys):
    shown(lambda console: Silent(), False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("terminal", "kind"), [(True, Bar), (False, Plain)])
def test_a_terminal_gets_bars(terminal, kind):
    assert isinstance(for_console(Console(force_terminal=terminal)), kind)


def test_an_outcome_without_throughput_leaves_it_out():
    row = {name: value for name, value in OK.items() if "per_s" not in name}
    assert outcome(TRIAL, row) == "resnet18 mxnet lr=0.1 seed=0 (0123456789ab): ok, test accuracy 0.9000, 3 s"


@pytest.mark.parametrize("terminal", [False, True])
def test_the_time_that_is_left_stands_beside_the_epochs(terminal):
    text = io.StringIO()
    progress = for_console(Console(file=text, force_terminal=terminal, width=200))
    second = SimpleNamespace(**{**vars(TRIAL), "id": "1"})
    progress.begin("e", 2, 0, [TRIAL, second])
    progress.trial(TRIAL)
    progress.event(TRIAL, {**EPOCH, "test_accuracy": 0.5})
    progress.result(TRIAL, OK)
    progress.end()
    lines = text.getvalue().splitlines()
    assert any(re.search(r"left", line) for line in lines)
    if not terminal:
        assert re.fullmatch(r"  epoch 1/2: .*, test 0.5000, 100 images/s, about \d+ s left", lines[2])
        assert re.fullmatch(r"\[1/2\] .* 3 s, about \d+ s left", lines[3])
