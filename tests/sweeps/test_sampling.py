"""The samples of a search: within the bounds, each network once, and the same again; or a clear message."""

import math

import pytest

from resnet_lab import LabError
from resnet_lab.results import edf
from resnet_lab.results.store import read, read_epochs
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps import sampling
from resnet_lab.sweeps.plan import plan
from resnet_lab.sweeps.progress import Silent
from resnet_lab.sweeps.run import run
from tests.conftest import any_engine
from tests.specs.writing import BLOCK, write
from tests.sweeps.pretending import Pretender

TEXT = """
variants: [cifar_resnet20]
data: {name: digits, size: 16}
train: {epochs: 1, batch_size: 32}
search: {random: 12, where: "1e6 < macs < 4e6", space: {%s}}
"""
SIZES = "variant.stages.*.repeat: {low: 1, high: 5}, variant.stages.*.channels: {low: 8, high: 64, step: 8}"


@pytest.fixture
def planned(workspace):
    """The plan of a search over a space; settings go on top."""

    def of(space=SIZES, *settings):
        (workspace / "experiments" / "e.yaml").write_text(TEXT % space)
        return plan(load("e", settings))

    return of


def test_each_sample_is_another_network_within_the_bounds(planned):
    trials = planned().trials
    assert len(trials) == 12
    assert all(1e6 < trial.graph.macs < 4e6 for trial in trials)
    assert len({trial.graph.digest for trial in trials}) == len({trial.id for trial in trials}) == 12


def test_a_sample_is_the_network_that_a_grid_of_its_values_makes(planned, workspace):
    trials = planned().trials
    for trial in trials[:3]:
        grid = {key: [value] for key, value in trial.swept.items()}
        text = (TEXT % "").partition("search:")[0]
        (workspace / "experiments" / "one.yaml").write_text(text)
        (same,) = plan(load("one", [f"grid={grid}"])).trials
        assert (same.id, same.labels()) == (trial.id, trial.labels())
        assert (
            sum(trial.swept[f"variant.stages.{number}.repeat"] for number in (1, 2, 3)) == (trial.graph.depth - 2) / 2
        )


def test_the_same_search_draws_the_same_and_a_larger_one_goes_on(planned):
    first = [trial.id for trial in planned().trials]
    assert [trial.id for trial in planned().trials] == first
    assert [trial.id for trial in planned(SIZES, "search.random=20").trials][:12] == first
    other = {trial.id for trial in planned(SIZES, "search.seed=1").trials}
    assert len(other) == 12
    assert other != set(first)


def test_the_samples_are_known(planned):
    """Pinned: the draws must be the same on every machine and with every Python."""
    first = planned().trials[0]
    assert (first.swept, first.id) == KNOWN


KNOWN = (
    {
        "variant.stages.1.repeat": 2,
        "variant.stages.2.repeat": 1,
        "variant.stages.3.repeat": 2,
        "variant.stages.1.channels": 16,
        "variant.stages.2.channels": 16,
        "variant.stages.3.channels": 32,
    },
    "932caf0f74ae",
)


def test_seeds_and_a_grid_multiply_the_samples(planned):
    space = "variant.stages.*.repeat: {low: 1, high: 9}, train.optimizer.lr: {low: 0.01, high: 1.0, log: true}"
    trials = planned(space, "seeds=2", "grid={train.epochs: [1, 2]}", "search.where=[]").trials
    assert len({trial.id for trial in trials}) == len(trials) == 12 * 2 * 2
    rows = [trial.labels() for trial in trials]
    assert {(row["seed"], row["epochs"]) for row in rows} == {(0, 1), (0, 2), (1, 1), (1, 2)}
    assert {trial.train.optimizer.lr for trial in trials} == {row["train.optimizer.lr"] for row in rows}
    assert all(
        row["variant.stages.3.repeat"] == trial.swept["variant.stages.3.repeat"]
        for row, trial in zip(rows, trials, strict=True)
    )
    assert [math.isclose(lr, float(f"{lr:.4g}"), rel_tol=0) for lr in {row["train.optimizer.lr"] for row in rows}] == [
        True
    ] * 12


def test_every_variant_is_a_population(planned):
    space = "variant.stages.*.repeat: {low: 1, high: 9}"
    trials = planned(space, "variants=[cifar_resnet20, cifar_resnet20_v2]", "search.where=[]").trials
    names = [trial.variant for trial in trials]
    assert names == ["cifar_resnet20"] * 12 + ["cifar_resnet20_v2"] * 12
    assert [trial.swept for trial in trials[:12]] == [trial.swept for trial in trials[12:]]


def test_conditions_compare_the_drawn_values_too(planned):
    where = "search.where=['`variant.stages.1.repeat` < `variant.stages.2.repeat`', 'depth in [14, 16]', params < 1e5]"
    trials = planned(SIZES, where, "search.random=5").trials
    for trial in trials:
        assert trial.swept["variant.stages.1.repeat"] < trial.swept["variant.stages.2.repeat"]
        assert trial.graph.depth in (14, 16)
        assert trial.graph.params < 1e5


def test_a_draw_that_makes_no_network_is_rejected(planned):
    trials = planned("variant.stages.*.channels: {low: 8, high: 64, step: 8}", "search.where=[]").trials
    assert len(trials) == 12
    for trial in trials:  # the shortcuts of this net add channels of zeros, and cannot remove channels
        widths = [trial.swept[f"variant.stages.{number}.channels"] for number in (1, 2, 3)]
        assert widths == sorted(widths)


def test_an_option_applies_where_the_drawn_block_takes_it(planned):
    space = "variant.every_stage.block: [basic, bottleneck], variant.stages.*.repeat: {low: 1, high: 5}, "
    found = planned(space + "variant.every_stage.groups: [1, 4]", "search.where=[]")
    assert len(found.trials) == 12
    for trial in found.trials:
        assert ("variant.every_stage.groups" in trial.labels()) == (trial.blocks == ("bottleneck",))
        assert trial.blocks == (trial.swept["variant.every_stage.block"],)
    assert len({trial.blocks for trial in found.trials}) == 2
    assert found.notes == ()


@pytest.mark.parametrize(
    ("space", "settings", "message"),
    [
        (
            "variant.stages.1.repeat: [1, 2, 3]",
            ["search.where=[]"],
            r"e\.yaml:5: the search found 3 of 12 samples of cifar_resnet20 in 400 draws; of these, 397 were rejected "
            "because the same values had been drawn before",
        ),
        (
            "variant.stages.*.repeat: {low: 1, high: 100}",
            ["search.where=['macs > 0', 'macs < 1']"],
            r"--set .*: the search found 0 of 12 samples .* in 100 draws; of these, 100 were rejected because "
            "'macs < 1' does not hold",
        ),
        (
            "variant.stages.1.chanels: {low: 1, high: 9}",
            [],
            r"e\.yaml:5: unknown option of block 'basic': 'chanels'; did you mean 'channels'",
        ),
        (
            "variant.stem.chanels: {low: 1, high: 1000}",
            [],
            "because no network can be built (unknown option of stem 'cifar': 'chanels'; did you mean 'channels'",
        ),
        (
            "variant.stages.9.repeat: [1, 2]",
            ["search.where=[]"],
            "of these, 2 were rejected because no network can be built (there is no stage 9",
        ),
        ("train.optimizer.lr: [-1]", [], r"e\.yaml:5: 'train\.optimizer\.lr' is -1"),
        ("trian.optimizer.lr: [1]", [], r"e\.yaml:5: 'trian\.optimizer\.lr' cannot be swept"),
        ("data.size: [4, 8, many]", ["search.where=[]"], r"e\.yaml:5: 'data\.size' is 'many'"),
        (
            "variant.stages.*.repeat: [1, 2]",
            ["search.where=['`variant.stages.4.repeat` > 0']"],
            "'variant.stages.4.repeat' is not known for cifar_resnet20",
        ),
        (SIZES, ["search.where=[macs > 'x']"], r"--set .*: 'macs > 'x'' compares a text with a number"),
    ],
)
def test_a_search_that_cannot_go_on_says_why(planned, monkeypatch, space, settings, message):
    monkeypatch.setattr(sampling, "PATIENCE", 100)
    with pytest.raises(LabError, match=message.replace("(", r"\(")):
        planned(space, *settings)


def test_a_block_of_the_persons_own_is_sampled(planned, workspace):
    code = BLOCK.format(options=", *, kernel: int = 3").replace("channels, 3", "channels, kernel")
    (workspace / "variants" / "mine.py").write_text(code)
    write(workspace, "mine.yaml", "extends: cifar_resnet20\nblocks: [mine.py]\nevery_stage: {block: mine}\n")
    space = SIZES + ", variant.every_stage.kernel: [1, 3, 5]"
    trials = planned(space, "variants=[mine]", "search.where=[]").trials
    assert {trial.swept["variant.every_stage.kernel"] for trial in trials} == {1, 3, 5}


def test_bottleneck_nets_of_four_billion_multiply_adds_in_one_line(workspace):
    search = {
        "random": 10,
        "where": "3.5e9 < macs < 4.5e9",
        "space": {
            "variant.stages.*.repeat": {"low": 1, "high": 10},
            "variant.stages.*.channels": {"low": 32, "high": 512, "step": 32},
        },
    }
    recipe = {
        "variants": ["resnet50"],
        "data": {"name": "digits", "size": 224},
        "train": {"epochs": 1, "batch_size": 8},
    }
    trials = plan(load({**recipe, "search": search}, name="nets")).trials
    assert len({trial.id for trial in trials}) == 10
    assert all(3.5e9 < trial.graph.macs < 4.5e9 and trial.blocks == ("bottleneck",) for trial in trials)


def test_samples_run_once_and_their_drawn_values_are_columns(workspace):
    experiment = {
        "variants": ["cifar_resnet20", "cifar_resnet32"],
        "data": {"name": "digits", "size": 8},
        "train": {"epochs": 1, "batch_size": 32},
        "engine": any_engine(),
        "search": {"random": 4, "space": {"variant.stages.*.repeat": {"low": 1, "high": 9}}},
    }
    loaded, folder = load(experiment, name="nets"), workspace / "results" / "nets"
    executor = Pretender(lambda trial: {"test_accuracy": 0.8 + 0.001 * trial.graph.depth})
    table = run(loaded, folder, Silent(), executor=executor)
    assert len(table) == len(executor.began)
    again = Pretender(lambda trial: {})
    assert run(loaded, folder, Silent(), executor=again)["trial"].tolist() == table["trial"].tolist()
    assert again.began == []
    repeats = [f"variant.stages.{number}.repeat" for number in (1, 2, 3)]
    assert (2 * read(folder)[repeats].sum(axis=1) + 2 == read(folder)["depth"]).all()
    assert set(repeats) <= set(read_epochs(folder))
    [population, *_] = edf.populations(read(folder))
    assert (population.name, len(population.errors)) == ("cifar_resnet20", 4)
