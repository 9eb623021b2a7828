"""The stage `agreement` sees a difference: of a value, of a network's weights, and a value that is not finite."""

import numpy as np
import pytest

from resnet_lab import engines
from tests.conftest import engine_or_skip

from . import agreement
from .job import Job


def test_the_difference_is_relative_to_the_wanted_values():
    wanted = np.array([3.0, 4.0], np.float32)
    assert agreement.difference(wanted, wanted) == 0
    assert agreement.difference(wanted, np.array([3.0, 4.5], np.float32)) == pytest.approx(0.1)
    assert agreement.difference(wanted, np.array([3.0, np.nan], np.float32)) == float("inf")


class Wrong:
    """The engine, except that its second model scales its weights, as if its device computed wrongly."""

    def __init__(self, factor):
        self.factor, self.built = factor, 0

    def build(self, *words, **settings):
        model = engines.get("torch").build(*words, **settings)
        self.built += 1
        if self.built == 2:
            load = model.load
            model.load = lambda weights: load({name: values * self.factor for name, values in weights.items()})
        return model


@pytest.mark.parametrize(("factor", "agrees"), [(np.float32(1), True), (np.float32(1.001), False)])
def test_a_device_that_computes_otherwise_does_not_agree(tmp_path, monkeypatch, factor, agrees):
    engine_or_skip("torch")
    rows = []
    monkeypatch.setattr(Job, "engine", Wrong(factor))
    monkeypatch.setattr(Job, "row", lambda self, **values: rows.append(values))
    job = Job("agreement", 1, tmp_path, "cpu", True)
    agreement._op(job, "conv")
    job.engine.built = 0
    agreement._losses(job, "cifar_resnet20", 16, "off")
    job.engine.built = 0
    agreement._answers(job, "off")
    assert [row["agrees"] for row in rows] == [agrees, agrees, agrees, True]
    assert rows[0]["gradient"] is not None
