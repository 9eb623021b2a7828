"""Where, when and with what a trial ran."""

import re

import numpy as np

from resnet_lab.results.columns import WHERE
from resnet_lab.training.provenance import now, where
from resnet_lab.training.trial import Place


def test_a_time_is_in_utc_to_the_second():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", now())


def test_the_columns_are_those_of_the_table(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", "/nowhere")
    found = where(
        Place("gpu:0", "hybridize", 3, share=0.5), "abc+", ["numpy", "no-such-package"], "2026-01-01T00:00:00Z", 0.256
    )
    assert set(found) == set(WHERE)
    assert (found["device"], found["compile"], found["threads"]) == ("gpu:0", "hybridize", 3)
    assert (found["other_load"], found["gpu_share"], found["mps"]) == (0.26, 0.5, False)
    assert (found["revision"], found["started"]) == ("abc+", "2026-01-01T00:00:00Z")
    assert found["packages"].split()[-1] == f"numpy={np.__version__}"


def test_a_trial_with_a_gpu_of_its_own_has_no_columns_about_sharing():
    assert not {"gpu_share", "mps"} & set(where(Place("gpu:0", "off", 1), "", [], "2026-01-01T00:00:00Z"))
