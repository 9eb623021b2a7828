"""The Pareto front, against the definition by all pairs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_lab import LabError
from resnet_lab.results.pareto import goals, is_pareto

POINTS = st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=30)


def table(points):
    return pd.DataFrame(points, columns=["accuracy", "speed", "macs"])


@given(POINTS)
def test_the_front_is_what_no_other_row_beats(points):
    found = is_pareto(table(points), goals("accuracy,speed,-macs", table(points)))
    values = np.array(points) * (1, 1, -1)
    for row, on_front in zip(values, found, strict=True):
        assert on_front != any((other >= row).all() and (other > row).any() for other in values)


def test_a_row_without_a_value_and_a_trial_that_failed_are_not_on_the_front():
    rows = table([(0.9, 1.0, 5.0), (np.nan, 1.0, 1.0), (0.95, 1.0, 5.0)]).assign(status=["ok", "ok", "diverged"])
    assert is_pareto(rows, goals(["accuracy", "-macs"], rows)).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accuracy", "takes two or more different columns"),
        ("accuracy,-accuracy", "takes two or more different columns"),
        ("acuracy,-macs", "unknown column 'acuracy'; did you mean 'accuracy'?"),
        ("accuracy,name", "the column 'name' holds no numbers"),
    ],
)
def test_wrong_columns_are_refused(text, message):
    with pytest.raises(LabError, match=message.replace("?", r"\?")):
        goals(text, table([(1, 2, 3)]).assign(name="a"))
