"""The stages run one after another: a failure or a limit is a line, and a second run goes on."""

import time

import pandas as pd
import psutil
import pytest

from .journal import Journal
from .stages import STAGES, Stage, run_stages

HERE = "tests.gpu.stages_for_tests"
GOOD, FAILS, SLEEPS = (Stage(name, HERE, 5, "") for name in ("good", "fails", "sleeps"))


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "out")


def test_a_failure_is_a_line_and_the_next_stage_runs(journal):
    run_stages([FAILS, GOOD], journal, "cpu", True, 5)
    failed, done = journal.lines("stage")
    assert (failed["status"], done["status"]) == ("failed", "done")
    assert failed["reason"] == "RuntimeError: no kernel image is available"
    assert [row["stage"] for row in journal.lines("row")] == ["fails", "good"]


def test_finished_stages_do_not_run_again_unless_asked_for(journal):
    run_stages([GOOD], journal, "cpu", True, 5)
    run_stages([GOOD, FAILS], journal, "cpu", True, 5)
    assert [line["stage"] for line in journal.lines("stage")] == ["good", "fails"]
    run_stages([GOOD], journal, "cpu", True, 5, again=True)
    assert [row["value"] for row in journal.lines("row", "good")] == [1, 2]


def test_a_stage_is_told_the_time_that_is_left(journal):
    run_stages([GOOD], journal, "cpu", True, 500)
    run_stages([GOOD], journal, "cpu", True, 2, again=True)
    own, rest = (row["seconds"] for row in journal.lines("row", "good"))
    assert 120 < own < 300
    assert rest < 120


def test_a_stage_that_left_something_out_runs_again_if_the_run_gave_it_less_than_its_limit(journal):
    stage = Stage("leaves_out", HERE, 5, "")
    run_stages([stage], journal, "cpu", True, 2)
    run_stages([stage], journal, "cpu", True, 500)
    assert [line["status"] for line in journal.lines("stage")] == ["stopped", "done"]


def _is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_stage_over_its_limit_ends_with_its_processes_and_is_finished(journal):
    run_stages([Stage("sleeps", HERE, 0.08, ""), GOOD], journal, "cpu", True, 5)
    sleeps, good = journal.lines("stage")
    assert (sleeps["status"], good["status"]) == ("timed_out", "done")
    assert sleeps["reason"] == "the stage took longer than its 0.08 minutes"
    _, row = journal.lines("row", "sleeps")
    end = time.monotonic() + 20
    while not _is_gone(row["child"]) and time.monotonic() < end:
        time.sleep(0.1)
    assert _is_gone(row["child"])


def test_a_stage_that_the_end_of_the_run_stops_runs_again(journal):
    run_stages([SLEEPS, GOOD], journal, "cpu", True, 0.02)
    assert [line["status"] for line in journal.lines("stage")] == ["stopped"]
    run_stages([Stage("sleeps", HERE, 0.02, ""), GOOD], journal, "cpu", True, 5)
    assert [(line["attempt"], line["status"]) for line in journal.lines("stage", "sleeps")] == [
        (1, "stopped"),
        (2, "timed_out"),
    ]
    assert journal.ending("good") == "done"


def test_the_stages_are_those_of_the_page():
    import importlib

    from tests.conftest import ROOT

    page = (ROOT / "docs" / "gpu.md").read_text()
    for stage in STAGES:
        assert f"| `{stage.name}` | {stage.minutes:g} |" in page
        assert importlib.util.find_spec(stage.module)


def test_a_line_that_a_kill_cut_off_costs_only_itself(journal):
    journal.add("row", stage="a", value=1)
    with (journal.folder / "rehearsal.jsonl").open("a") as stream:
        stream.write('{"kind": "row", "stage": "a", "val')
    assert journal.begin("a") == 1
    journal.add("row", stage="a", value=2)
    assert [row["value"] for row in journal.lines("row", "a")] == [1, 2]
    assert journal.begin("a") == 2


def test_each_stage_with_rows_has_a_table(journal):
    journal.add("row", stage="a", value=1)
    journal.add("row", stage="a", other="x")
    journal.add("stage", stage="a", status="done")
    assert [path.name for path in journal.write_tables()] == ["stages.csv", "a.csv"]
    table = pd.read_csv(journal.folder / "a.csv")
    assert table["value"].tolist()[0] == 1
    assert table["other"].tolist()[1] == "x"
