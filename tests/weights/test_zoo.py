"""Every residual classifier of Gluon-CV's zoo: the same net, the same counts, the same file of weights."""

import re

import numpy as np
import pytest

from resnet_lab.specs.workspace import names
from resnet_lab.weights import files
from resnet_lab.weights.export import write
from resnet_lab.weights.layouts import gluon_layout
from tests.conftest import engine_or_skip
from tests.weights import zoo

OURS = [name for name in names("variants") if re.search(r"_v[12]|next|wide", name)]

LONG = re.compile(r"34|101|152|64d|wideresnet(28|40)|v1[cse]$")
"""Nets that only the slow tests compare: they are deep or wide, or differ from others by their stem alone."""


def test_every_net_of_the_zoo_is_here_or_left_out_with_a_reason():
    found = zoo.classifiers()
    assert len(OURS) == 56
    assert {name for name, reason in found.items() if not reason} == set(OURS)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if LONG.search(name) else ()) for name in OURS]
)
def test_same_logits_counts_and_file(name, tmp_path):
    engine_or_skip("mxnet")
    row = zoo.compare(name, tmp_path)
    assert row["largest_difference"] < 1e-4
    assert row["params"] == row["params_gluoncv"]
    back = tmp_path / "back.params"
    write.gluon(back, gluon_layout(name, row["graph"]), row["arrays"])
    before, after = files.read(row["file"]).arrays, files.read(back).arrays
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[key], after[key]) for key in before)
