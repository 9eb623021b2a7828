"""An experiment that cannot run is a row, and the reason of its stage."""

import pytest

from tests.conftest import engine_or_skip

from . import literature
from .job import Job


def test_an_experiment_without_its_data_is_a_problem_and_the_next_one_starts(tmp_path, monkeypatch):
    engine_or_skip("torch")
    rows = []
    monkeypatch.setattr(Job, "row", lambda self, **values: rows.append(values))
    wrong = tuple((name, ("data={name: imagefolder, path: nowhere}",), "") for name in ("depth_sweep", "my_block"))
    monkeypatch.setattr(literature, "TINY", wrong)
    with pytest.raises(RuntimeError, match="could not run: depth_sweep, my_block"):
        literature.run(Job("literature", 1, tmp_path, "cpu", True))
    assert [row["experiment"] for row in rows] == ["depth_sweep", "my_block"]
    assert all("exit status 2" in row["problem"] for row in rows)
