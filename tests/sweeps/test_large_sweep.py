"""A sweep of many trials: every trial once in the tables, memory flat, time linear."""

import json
import subprocess
import sys

import pandas as pd
import pytest

import resnet_lab as rl
from tests.conftest import ROOT


@pytest.mark.parametrize("trials", [100, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_sweep_of_many_trials(tmp_path, trials):
    done = subprocess.run(
        [sys.executable, "-m", "tests.sweeps.large_sweep", str(trials), str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    took = json.loads(done.stdout)
    print(took)
    assert took["memory_mb"] < 300
    if trials > 1000:
        # Where each trial rebuilds the table, the last third takes five times as long as the first.
        assert took["last_third"] < 2 * took["first_third"]
    folder = tmp_path / "results" / "many"
    table = rl.results(folder)
    assert len(table) == trials == table["trial"].nunique()
    assert (table["status"] == "ok").all()
    assert set(table["trial"]) == {path.name for path in (folder / "trials").iterdir()}
    epochs = pd.read_csv(folder / "epochs.csv", dtype={"trial": str})
    assert len(epochs) == 2 * trials
    assert not epochs.duplicated(["trial", "epoch"]).any()
    assert rl.status(folder).done == trials
