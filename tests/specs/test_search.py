"""What a search may say, and that its draws are the same everywhere."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.specs.search import DrawSpec, SearchSpec

SPACE = {
    "variant.stages.*.repeat": {"low": 1, "high": 8},
    "variant.stages.2.repeat": [3],
    "variant.stem.channels": {"low": 16, "high": 64, "step": 16},
    "train.optimizer.lr": {"low": 0.001, "high": 1, "log": True},
}
EXPERIMENT = {"variants": ["resnet50"], "train": {"epochs": 1, "batch_size": 8}}


def search(**changes):
    return SearchSpec.model_validate({"random": 3, "space": SPACE} | changes)


def test_draws_are_the_same_on_every_machine():
    found = search(seed=7)
    assert found.draw(5, found.keys(3)) == {
        "variant.stages.2.repeat": 3,
        "variant.stem.channels": 16,
        "train.optimizer.lr": 0.07543,
        "variant.stages.1.repeat": 3,
        "variant.stages.3.repeat": 2,
    }


def test_a_draw_depends_on_the_seed_the_attempt_and_the_key_alone():
    found = search()
    keys = found.keys(4)
    first = found.draw(0, keys)
    assert search(random=9).draw(0, keys) == first
    assert search(seed=1).draw(0, keys) != first
    assert found.draw(1, keys) != first
    fewer = search(space={key: SPACE[key] for key in list(SPACE)[2:]})
    assert fewer.draw(0, fewer.keys(4)).items() <= first.items()


def test_a_star_stands_for_every_stage_that_has_no_key_of_its_own():
    found = search()
    assert sorted(found.keys(2)) == [
        "train.optimizer.lr",
        "variant.stages.1.repeat",
        "variant.stages.2.repeat",
        "variant.stem.channels",
    ]
    assert found.keys(3)["variant.stages.3.repeat"] == found.written("variant.stages.3.repeat")
    assert found.written("variant.stages.3.repeat") == "variant.stages.*.repeat"
    assert found.written("variant.stages.2.repeat") == "variant.stages.2.repeat"
    assert found.written("train.epochs") == "train.epochs"


SHARES = st.floats(0, 1, exclude_max=True)


@given(share=SHARES, low=st.integers(-50, 50), count=st.integers(1, 60), step=st.integers(1, 9))
def test_whole_numbers_lie_on_the_steps(share, low, count, step):
    draw = DrawSpec(low=low, high=low + count * step - 1, step=step)
    value = draw.value(share)
    assert isinstance(value, int)
    assert value in range(low, low + count * step, step)


@given(share=SHARES, low=st.floats(1e-6, 1e3), ratio=st.floats(1, 1e6), log=st.booleans())
def test_real_numbers_lie_within_the_bounds(share, low, ratio, log):
    high = low * ratio
    value = DrawSpec(low=low, high=high, log=log).value(share)
    assert low <= value <= high
    assert value in (low, high) or len(f"{value:.10e}".partition("e")[0].rstrip("0")) <= 5


def test_each_value_of_a_range_is_equally_probable():
    shares = [(index + 0.5) / 1200 for index in range(1200)]
    drawn = [DrawSpec(low=2, high=5).value(share) for share in shares]
    assert [drawn.count(value) for value in range(2, 6)] == [300] * 4
    drawn = [DrawSpec(choices=["a", None, 3.5]).value(share) for share in shares]
    assert [drawn.count(value) for value in ("a", None, 3.5)] == [400] * 3
    assert DrawSpec(low=0.1, high=0.5, step=0.1).value(0.5) == 0.3
    logs = [math.log10(DrawSpec(low=0.01, high=1.0, log=True).value(share)) for share in shares]
    assert sum(log < -1 for log in logs) == 600
    widths = {DrawSpec(low=8, high=512, step=8, log=True).value(share) for share in shares}
    assert {8, 16, 512} <= widths
    assert all(width % 8 == 0 for width in widths)


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"random": 0}, "search.random", "'search.random' is 0"),
        ({"rnadom": 3}, "search.rnadom", "unknown key in 'search': 'rnadom'; did you mean 'random'?"),
        ({"space": {}}, "search.space", "'search.space' is a mapping: it should have at least 1 item"),
        ({"space": {"train.epochs": 3}}, "search.space.train.epochs", "is drawn from a list of choices, or from {low"),
        ({"space": {"train.epochs": []}}, "search.space.train.epochs", "at least 1 item"),
        ({"space": {"train.epochs": {"low": 1}}}, "search.space.train.epochs", "is drawn from a list of choices"),
        ({"space": {"train.epochs": {"low": 1, "hihg": 3}}}, "search.space.train.epochs", "did you mean 'high'?"),
        ({"space": {"train.epochs": {"low": 3, "high": 1}}}, "search.space.train.epochs", "low, 3, is above high, 1"),
        ({"space": {"train.epochs": {"low": "1", "high": 2}}}, "search.space.train.epochs.low", "'1' is no number"),
        ({"space": {"train.epochs": {"low": 0, "high": 1, "log": True}}}, "search.space.train.epochs", "above 0"),
        ({"space": {"train.epochs": {"low": 0, "high": 1, "step": 0}}}, "search.space.train.epochs", "step is 0"),
        ({"where": ["macs <"]}, "search.where.0", "'macs <' is no condition; an example is: 3.5e9 < macs < 4.5e9"),
        (
            {"where": "mcas < 3"},
            "search.where",
            "'mcas < 3': unknown cost or key of 'space' 'mcas'; did you mean 'macs'",
        ),
        (
            {"where": ["depth > 3", "`variant.stages.1.channels` > 3"]},
            "search.where.1",
            "unknown cost or key of 'space'",
        ),
    ],
)
def test_a_mistake_is_named_by_its_place(workspace, changes, place, message):
    with pytest.raises(LabError) as refused:
        load(EXPERIMENT | {"search": {"random": 3, "space": SPACE} | changes}, name="mine")
    assert str(refused.value).startswith(f"experiment 'mine', key '{place}': ")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": {"variant.stages.1.repeat": [1]}}, "'variant.stages.1.repeat' is in 'grid' and in 'search.space'"),
        ({"baseline": "resnet50"}, "'baseline' compares single variants, and 'search' draws many networks of each"),
    ],
)
def test_what_does_not_go_with_a_search(workspace, changes, message):
    with pytest.raises(LabError, match=message):
        load(EXPERIMENT | {"search": {"random": 3, "space": SPACE}} | changes, name="mine")


def test_a_single_condition_needs_no_list(workspace):
    spec = load(EXPERIMENT | {"search": {"random": 1, "space": SPACE, "where": "macs < 1e9"}}, name="mine").spec
    assert [condition.names for condition in spec.search.conditions] == [("macs",)]
