"""Learning-rate schedules: their shares of the rate, and how their settings are read."""

import pytest
from pydantic import TypeAdapter

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.specs.identity import identity
from resnet_lab.specs.schedules import SCHEDULES, Constant, Cosine, ScheduleSpec, Step

SHARES = [
    (Constant(), [1, 1, 1, 1]),
    (Step(milestones=[1, 3], factor=0.1), [1, 0.1, 0.1, 0.01]),
    (Cosine(), [1, 0.853553, 0.5, 0.146447]),
    (Cosine(final=0.5), [1, 0.926777, 0.75, 0.573223]),
    (Constant(warmup=2), [0, 0.5, 1, 1]),
    (Constant(warmup=2, warmup_from=0.5), [0.5, 0.75, 1, 1]),
    (Cosine(warmup=2), [0, 0.5, 1, 0.5]),
]


@pytest.mark.parametrize(("schedule", "shares"), SHARES, ids=str)
def test_shares(schedule, shares):
    assert [schedule.share(epoch, 4) for epoch in range(4)] == pytest.approx(shares, abs=1e-6)


def test_every_schedule_is_tested_and_says_what_it_is():
    assert {schedule.name for schedule, _ in SHARES} == set(SCHEDULES)
    assert all(kind.__doc__ for kind in SCHEDULES.values())


def test_a_word_is_a_name_and_no_name_is_constant():
    adapter = TypeAdapter(ScheduleSpec)
    assert adapter.validate_python("cosine") == Cosine()
    assert adapter.validate_python({"warmup": 1}) == Constant(warmup=1)
    assert identity(Step(milestones=[2])) == {"name": "step", "milestones": [2.0]}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("{name: cosine, factor: 0.1}", "'train.schedule.factor': 'factor' belongs to step, not to cosine"),
        ("{name: step}", "the key 'milestones' is missing in 'train.schedule'"),
        ("cosin", "unknown 'train.schedule.name': 'cosin'; did you mean 'cosine'?"),
        ("{warmup_from: 0.1}", "'train.schedule': 'warmup_from' needs a 'warmup' above 0"),
        ("{name: cosine, finl: 0.1}", "unknown key in 'train.schedule': 'finl'; did you mean 'final'?"),
    ],
)
def test_a_wrong_setting_is_refused_at_its_line(workspace, setting, message):
    text = f"variants: [cifar_resnet20]\ntrain:\n  epochs: 1\n  batch_size: 8\n  schedule: {setting}\n"
    (workspace / "experiments" / "e.yaml").write_text(text)
    with pytest.raises(LabError) as error:
        load("experiments/e.yaml")
    assert str(error.value).startswith(f"experiments/e.yaml:5: {message}")
