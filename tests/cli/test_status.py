"""`resnet-lab status`: the lines, the JSON object, and watching."""

import json
import time

import pytest
from typer.testing import CliRunner

from resnet_lab.cli import status as command
from resnet_lab.cli.app import build
from resnet_lab.results import status as reading
from resnet_lab.results.plan_file import PlannedTrial, SweepPlan, keep
from resnet_lab.results.status import FailedTrial, RunningTrial, Status

ENDED = Status("e", False, 2, False, 2, [], [], 0, 0, 0.0, 0, {"abc": 2})
RUNS = Status(
    *("e", True, 20, False, 3, [RunningTrial("0a", "net mxnet seed=4", 1, 3)]),
    *([FailedTrial("0b", "net mxnet seed=5", "failed", "no memory")], 0, 15, 200.0, 0, {"abc": 3}),
)


def test_a_sweep_that_runs():
    assert command.lines(RUNS) == [
        "e: 3 of 20 trials done, 1 running, 1 failed, 15 left; the sweep runs; about 3 min left",
        "  runs    net mxnet seed=4 (0a): epoch 1 of 3",
        "  failed  net mxnet seed=5 (0b): failed: no memory",
    ]


def test_trials_that_halving_stopped_are_counted_by_themselves():
    assert "0 failed, 2 stopped early, 0 left" in command.lines(Status(**vars(ENDED) | {"stopped": 2}))[0]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "e: 2 of 2 trials done, 0 running, 0 failed, 0 left; the sweep has ended"),
        (
            {"left": 1, "done": 1, "seconds_left": 60.0},
            "e: 1 of 2 trials done, 0 running, 0 failed, 1 left; the sweep does not run now; 'resnet-lab run' goes on "
            "(about 60 s left)",
        ),
        (
            {"left": 1, "done": 1, "is_running": True, "at_most": True, "seconds_left": 60.0},
            "1 of at most 2 trials done, 0 running, 0 failed, at most 1 left; the sweep runs; at most about 60 s left",
        ),
        ({"left": 2, "done": 0, "is_running": True, "seconds_left": None}, "0 failed, 2 left; the sweep runs"),
    ],
)
def test_the_first_line(changes, line):
    (first,) = command.lines(Status(**vars(ENDED) | changes))
    assert first.endswith(line)


def test_stale_trials_revisions_and_many_failures_have_lines():
    failed = [FailedTrial(str(number), "t", "failed", "why") for number in range(12)]
    changes = {"failed": failed, "stale": 3, "revisions": {"abc": 1, "def": 1}}
    lines = command.lines(Status(**vars(ENDED) | changes))
    assert lines[11:13] == [
        "  2 more failed; 'resnet-lab compare' shows their reasons",
        "3 trial(s) in the folder are stale: the experiment no longer asks for them",
    ]
    assert lines[13].startswith("the finished trials come from 2 revisions of the code: abc (1), def (1)")


@pytest.fixture
def results(tmp_path):
    keep(tmp_path, SweepPlan("e", 0.0, False, False, {"0a": PlannedTrial("net", 1, 1)}))
    return tmp_path


def test_one_object_of_json(results, call):
    printed = json.loads(call("status", str(results), "--json"))
    assert printed == {
        **{"experiment": "e", "is_running": False, "total": 1, "at_most": False, "done": 0, "running": []},
        **{"failed": [], "stopped": 0, "left": 1, "seconds_left": None, "stale": 0, "revisions": {}},
    }


def test_watching_prints_each_change_until_the_sweep_ends(results, call, monkeypatch):
    seen = iter([RUNS, RUNS, Status(**vars(RUNS) | {"done": 4, "left": 14}), ENDED])
    monkeypatch.setattr(reading, "status", lambda folder: next(seen))
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    lines = call("status", str(results), "--watch").splitlines()
    assert [line.partition(" trials")[0] for line in lines] == ["e: 3 of 20", "e: 4 of 20", "e: 2 of 2"]
    assert len(waits) == 3


def test_watching_on_a_terminal_draws_in_place(results, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the output for a terminal
    seen = iter([RUNS, ENDED])
    monkeypatch.setattr(reading, "status", lambda folder: next(seen))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    command._watch(results)
    printed = capsys.readouterr().out
    assert "15 left; the sweep runs" in printed
    assert "\x1b[1A" in printed  # the cursor goes up, over the lines that were drawn before
    assert "0 left; the sweep has ended\n" in printed.rpartition("\x1b[1A")[2]


def test_watching_does_not_go_with_json(results):
    done = CliRunner().invoke(build(["status"]), ["status", str(results), "--watch", "--json"])
    assert "--watch shows the sweep to a person" in str(done.exception)


def test_a_folder_without_a_sweep_is_one_message(lab, tmp_path):
    done = lab("status", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"resnet-lab: {tmp_path} holds no plan of a sweep")
