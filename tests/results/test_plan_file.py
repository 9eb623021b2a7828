"""The plan of a sweep in its results folder."""

import re
from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.results.plan_file import PlannedTrial, SweepPlan, keep, read

PLAN = SweepPlan("e", 12.5, False, True, {"b": PlannedTrial("x mxnet seed=1", 7, 3), "a": PlannedTrial("y", 8, 3, 2)})


def test_a_plan_is_read_as_it_was_written(tmp_path):
    keep(tmp_path, PLAN)
    assert read(tmp_path) == PLAN
    assert list(read(tmp_path).trials) == ["b", "a"]


def test_a_folder_without_a_plan_is_refused(tmp_path):
    with pytest.raises(LabError, match="holds no plan of a sweep: 'resnet-lab run' writes plan.json"):
        read(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match="holds no plan of a sweep"):
        read(tmp_path / "file")


def test_a_folder_that_is_not_there_is_named_with_the_nearest_one(tmp_path):
    (tmp_path / "depth_sweep").mkdir()
    keep(tmp_path / "depth_sweep", PLAN)
    message = f"unknown results folder '{tmp_path}/dpth_sweep'; did you mean '{tmp_path}/depth_sweep'?"
    with pytest.raises(LabError, match=re.escape(message)):
        read(tmp_path / "dpth_sweep")


def test_a_name_without_its_folder_is_looked_for_among_the_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "depth_sweep").mkdir(parents=True)
    keep(tmp_path / "results" / "depth_sweep", PLAN)
    with pytest.raises(LabError, match="unknown results folder 'depth_sweep'; did you mean 'results/depth_sweep'?"):
        read(Path("depth_sweep"))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"trials": {"a": [1]}}', '{"trials": []}'])
def test_a_damaged_plan_is_named(tmp_path, content):
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(LabError, match=r"plan\.json: is damaged .*; the next 'resnet-lab run' writes it again"):
        read(tmp_path)
