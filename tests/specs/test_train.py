"""The training recipe: rates of the steps, settings that fit together, and what enters a trial's id."""

import pytest
from pydantic import ValidationError

from resnet_lab.specs.identity import identity
from resnet_lab.specs.train import TrainSpec, covering

BASE = {"epochs": 2, "batch_size": 8}


def test_rates_move_within_an_epoch():
    train = TrainSpec.model_validate({"epochs": 2, "batch_size": 1, "optimizer": {"lr": 0.4}, "schedule": "cosine"})
    assert train.rates(0, 4) + train.rates(1, 4) == pytest.approx(
        [0.4, 0.384776, 0.341421, 0.276537, 0.2, 0.123463, 0.058579, 0.015224], abs=1e-6
    )


def test_parts_inside_other_parts_are_left_out():
    assert covering(["stem", "stage1.block1", "stage1", "stage10", "stem"]) == ["stage1", "stage10", "stem"]


def test_later_options_enter_the_id_only_when_they_are_set():
    plain = identity(TrainSpec.model_validate(BASE))
    assert plain == BASE
    changed = identity(TrainSpec.model_validate({**BASE, "ema": 0.9, "clip_norm": 1.0}))
    assert changed == {**BASE, "ema": 0.9, "clip_norm": 1.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"ema": 1.0},
        {"ema": 0.0},
        {"clip_norm": 0.0},
        {"clip_norm": float("inf")},
        {"label_smoothing": float("nan")},
        {"optimizer": {"weight_decay": float("inf")}},
        {"schedule": {"name": "cosine", "final": float("inf")}},
        {"init": {"fresh": ["head"]}},
        {"init": {"weights": "a.params", "last_scale": "zero"}},
    ],
    ids=str,
)
def test_a_recipe_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        TrainSpec.model_validate({**BASE, **wrong})
