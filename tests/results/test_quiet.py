"""A speed is judged only where the rows show that the comparison was fair."""

import numpy as np
import pytest

from resnet_lab.results.verdict import verdicts
from tests.results.tables import table


def speeds(**changes):
    rows = table(v=0.0)
    rows["train_images_per_s"] = np.where(rows["variant"] == "v", 200.0, 100.0) + rows["seed"]
    rows["train_images_per_s_p10"] = rows["train_images_per_s"] * 0.95
    rows["train_images_per_s_p90"] = rows["train_images_per_s"] * 1.05
    return rows.assign(**changes)


@pytest.mark.parametrize(
    ("changes", "word", "reason"),
    [
        ({}, "better", "p is"),
        ({"train_images_per_s_p10": 10.0}, "undecided", "was not quiet"),
        ({"started": [f"2026-01-01T{n:02}" for n in range(16)]}, "undecided", "did not run in turns"),
        ({"started": None}, "undecided", "do not say when"),
        ({"device": ["cpu"] * 15 + ["gpu:0"]}, "undecided", "in different places (device)"),
    ],
)
def test_speed_is_judged_only_from_turns_on_a_quiet_machine(changes, word, reason):
    (found,) = verdicts(speeds(**changes), "base", ["train_images_per_s"])
    assert found.word == word
    assert reason in found.reason
    assert found.difference == 100
