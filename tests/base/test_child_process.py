"""A process that talks in lines: it is given a message, reports, and ends with its input."""

import json
import sys

import pytest

from resnet_lab.base import child_process

MODULE = """
import sys
import time

from resnet_lab.base import child_process


def main():
    message, report = child_process.receive()
    print("a library prints this")
    report({"got": message})
    while message == "wait":
        time.sleep(0.01)
    return 3
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start a process with a message; its module lies in a folder of PYTHONPATH."""
    (tmp_path / "talker.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    started = []

    def of(message, **environment):
        started.append(child_process.start("talker", message, environment))
        return started[-1]

    yield of
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_the_lines_are_the_reports_and_not_what_is_printed(start):
    process = start({"long": "x" * 200_000})
    assert json.loads(process.stdout.read()) == {"got": {"long": "x" * 200_000}}
    assert process.wait() == 3


def test_a_process_ends_when_its_input_does(start):
    process = start("wait")
    assert json.loads(process.stdout.readline()) == {"got": "wait"}
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(timeout=30) == 1


def test_a_file_of_the_working_directory_stands_for_no_module_of_python(start, tmp_path, monkeypatch):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "random.py").write_text("raise SystemExit('shadowed')\n")
    monkeypatch.chdir(folder)
    assert start("go").wait() == 3


def test_a_process_that_ended_at_once_is_no_error_of_the_message(start, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert start("x" * 1_000_000).wait() == 1
