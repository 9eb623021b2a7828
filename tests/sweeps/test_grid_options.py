"""A grid over an option of a block: which variants it reaches, and how often the others are trained."""

import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.plan import plan
from tests.specs.writing import BLOCK, write

TEXT = """
variants: [tiny, mine]
data: {name: digits, size: 16}
train: {epochs: 1, batch_size: 32}
seeds: [0, 1]
grid: {train.optimizer.lr: [0.1, 0.2], %s}
"""
GATE = "variant.every_stage.gate"


@pytest.fixture
def planned(workspace):
    """The plan of an experiment with the variants `tiny` (block basic) and `mine`, whose block has the option gate."""
    (workspace / "variants" / "mine.py").write_text(
        BLOCK.format(options=", *, gate: int = 3").replace("channels, 3", "channels, gate")
    )
    write(workspace, "tiny.yaml", "extends: cifar_resnet20\nevery_stage: {repeat: 1}\n")
    write(workspace, "mine.yaml", "extends: tiny\nblocks: [mine.py]\nevery_stage: {block: mine}\n")
    write(workspace, "half.yaml", "extends: tiny\nblocks: [mine.py]\nstages: {2: {block: mine}}\n")

    def of(grid, *settings):
        (workspace / "experiments" / "e.yaml").write_text(TEXT % grid)
        return plan(load("e", settings))

    return of


def test_a_variant_that_does_not_take_an_option_is_trained_once(planned):
    found = planned(f"{GATE}: [3, 5, 7]")
    baseline = [trial for trial in found.trials if trial.variant == "tiny"]
    assert len(baseline) == 2 * 2  # learning rates and seeds, but no values of the option
    assert all(GATE not in trial.swept and GATE not in trial.labels() for trial in baseline)
    mine = [trial for trial in found.trials if trial.variant == "mine"]
    assert len({trial.id for trial in mine}) == 2 * 2 * 3
    assert sorted({trial.graph.params for trial in mine}) == [
        rate.graph.params for rate in mine if (rate.seed, rate.swept["train.optimizer.lr"]) == (0, 0.1)
    ]
    assert found.notes == (
        "where no block of tiny takes 'gate', it is trained once, not once for each value of the grid",
    )
    assert found.duplicates == ()


def test_an_id_is_that_of_the_variant_without_the_grid(planned):
    with_grid = {trial.id for trial in planned(f"{GATE}: [3, 5]").trials if trial.variant == "tiny"}
    assert with_grid == {trial.id for trial in planned("precision: [float32]", "variants=[tiny]").trials}


def test_an_option_reaches_the_stages_whose_block_takes_it(planned):
    found = planned(f"{GATE}: [3, 5]", "variants=[half]", "seeds=[0]")
    small, large = (trial.graph.params for trial in found.trials[:2])
    assert len(found.trials) == 4
    assert large - small == 16 * 32 * (25 - 9)
    assert found.notes == ()


def test_an_option_of_one_stage(planned):
    found = planned("variant.stages.1.gate: [3, 5]", "variants=[half, mine]", "seeds=[0]")
    assert [trial.variant for trial in found.trials] == ["half", "mine", "mine"] * 2


def test_a_block_and_its_option_are_swept_together(planned):
    found = planned(f"variant.every_stage.block: [basic, mine], {GATE}: [3, 5]", "variants=[mine]", "seeds=[0]")
    assert [trial.blocks for trial in found.trials] == [("basic",), ("mine",), ("mine",)] * 2


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (
            "variant.every_stage.gat: [3]",
            r"e.yaml:6: unknown option of blocks 'basic', 'mine': 'gat'; did you mean 'gate'\?",
        ),
        ("variant.every_stage.first.gat: [3]", r"e.yaml:6: unknown option of blocks 'basic', 'mine': 'gat'"),
        ("variant.every_stage.chanels: [8]", r"e.yaml:6: .*'chanels'; did you mean 'channels'\?"),
        ("variant.every_stage.gate: [3, large]", r"e.yaml:6: option 'gate' of block 'mine' is 'large'"),
    ],
)
def test_a_wrong_option_is_refused_at_the_grid(planned, grid, message):
    with pytest.raises(LabError, match=message):
        planned(grid)


def test_one_variant_alone_is_refused_with_its_block(planned):
    with pytest.raises(LabError, match=r"unknown option of block 'mine': 'gat'; did you mean 'gate'\?"):
        planned("variant.every_stage.gat: [3]", "variants=[mine]")
