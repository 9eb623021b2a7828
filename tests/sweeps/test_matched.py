"""What an experiment keeps of matching: the solved specs, and measured latencies that a later run takes again."""

from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps import matched
from resnet_lab.sweeps.plan import plan
from tests.conftest import any_engine

TEXT = """
variants: [cifar_resnet20, wide]
baseline: cifar_resnet20
match: latency
data: {name: digits, size: 16}
train: {epochs: 1, batch_size: 32}
seeds: 2
"""


class Counted:
    """A latency that is proportional to the multiply-adds, on a machine that is always quiet."""

    def __init__(self, engine, place, precision, batch, baseline):
        self.baseline = baseline

    def __call__(self, graph):
        return graph.macs / self.baseline.macs

    def check_quiet(self):
        pass


@pytest.fixture
def planned(workspace, monkeypatch):
    """Plans the experiment with counted latencies; `planned(None)` fails where anything is measured."""
    (workspace / "variants" / "wide.yaml").write_text("extends: cifar_resnet20\nstages: {2: {channels: 64}}\n")
    (workspace / "experiments" / "e.yaml").write_text(TEXT)

    def of(latency, *settings):
        monkeypatch.setattr(matched, "Latency", latency)
        return plan(load("e", [f"engine={any_engine()}", *settings]), results=Path("results/e"))

    return of


def test_the_latency_is_matched_and_kept(planned):
    first = planned(Counted)
    (found,) = first.matched
    assert abs(found.cost - 1) <= 0.05
    assert found.note.startswith("latency: width 0.")
    assert first.trials[2].matched == found.note
    Path("results/e").mkdir(parents=True)
    (line,) = matched.write(first.matched, Path("results/e"))
    assert "times the baseline's latency" in line
    again = planned(None)
    assert [trial.id for trial in again.trials] == [trial.id for trial in first.trials]
    assert again.matched[0].summary == found.summary


@pytest.mark.parametrize("setting", ["train.batch_size=16", "data.size=24", "match={what: latency, by: depth}"])
def test_another_measurement_is_not_taken_for_it(planned, setting):
    Path("results/e").mkdir(parents=True)
    list(matched.write(planned(Counted).matched, Path("results/e")))

    def measures(*args):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        planned(measures, setting)


def test_a_latency_that_is_not_measured_again_is_refused(planned):
    class Jumps(Counted):
        times = 0

        def __call__(self, graph):
            found, self.times = super().__call__(graph), self.times + (abs(super().__call__(graph) - 1) <= 0.05)
            return found if self.times < 2 else 1.2

    with pytest.raises(LabError, match=r"e\.yaml:4: the latency of wide cannot be matched now: .* again 1\.200 times"):
        planned(Jumps)


def test_a_machine_that_is_not_quiet_ends_it_at_the_line_of_match(planned):
    class Loud(Counted):
        def check_quiet(self):
            raise LabError("the machine is not quiet")

    with pytest.raises(LabError, match=r"e\.yaml:4: the machine is not quiet"):
        planned(Loud)


def test_a_damaged_file_is_named(planned):
    Path("results/e/matched").mkdir(parents=True)
    Path("results/e/matched/latency.json").write_text("{")
    with pytest.raises(LabError, match=r"latency\.json: is damaged .*; remove it"):
        planned(Counted)
