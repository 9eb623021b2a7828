"""Experiments as people write them: reading, settings on top, the points of the grid."""

from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load

TEXT = """
variants: [resnet18]
data: digits
train: {epochs: 2, batch_size: 32, optimizer: sgd, schedule: cosine}
"""


@pytest.fixture
def experiment(workspace):
    def of(extra="", *settings):
        (workspace / "experiments" / "e.yaml").write_text(TEXT + extra)
        return load("e", settings)

    return of


def test_a_word_may_stand_for_a_mapping_and_be_added_to(experiment):
    spec = experiment("", "train.optimizer.lr=0.5", "train.schedule.warmup=1", "data.size=16").spec
    assert (spec.data.name, spec.data.size) == ("digits", 16)
    assert (spec.train.optimizer.name, spec.train.optimizer.lr) == ("sgd", 0.5)
    assert (spec.train.schedule.name, spec.train.schedule.warmup) == ("cosine", 1)


def test_an_experiment_has_the_name_of_its_file(experiment):
    assert experiment().name == "e"


def test_the_grid_multiplies_in_the_order_of_the_file(experiment):
    points = list(experiment("grid: {train.epochs: [1, 2], precision: [float32, float16]}\n").points())
    assert [tuple(swept.values()) for swept, _ in points] == [
        (1, "float32"),
        (1, "float16"),
        (2, "float32"),
        (2, "float16"),
    ]
    assert [(spec.train.epochs, spec.precision) for _, spec in points] == [tuple(swept.values()) for swept, _ in points]


def test_without_a_grid_there_is_one_point(experiment):
    ((swept, spec),) = experiment().points()
    assert swept == {}
    assert spec.train.epochs == 2


def test_a_point_of_the_grid_has_the_seeds_and_the_grid_without_checking_them_again(experiment):
    read = experiment("seeds: 3\ngrid: {train.epochs: [1, 2]}\ndescription: words\n")
    for swept, spec in read.points():
        assert spec.seeds is read.spec.seeds
        assert spec == read.spec.model_copy(update={"train": spec.train})
        assert spec.train.epochs == swept["train.epochs"]


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("{train.epochs: [0]}", r"e\.yaml:5: 'train.epochs' is 0"),
        ("{seeds: [1]}", r"e\.yaml:5: 'seeds' cannot be swept"),
        ("{train: [1]}", r"e\.yaml:5: 'train' cannot be swept"),
        ("{every_stage.ratio: [1]}", r"e\.yaml:5: 'every_stage.ratio' .*; did you mean 'variant.every_stage.ratio'\?"),
        ("{optimizer.lr: [1]}", r"e\.yaml:5: 'optimizer.lr' cannot .*; did you mean 'train.optimizer.lr'\?"),
        ("{lr: [1]}", r"e\.yaml:5: 'lr' cannot be swept: .*; did you mean 'train.optimizer.lr'\?"),
        ("{variant.blocks: [[x.py]]}", r"e\.yaml:5: 'variant.blocks' cannot be swept"),
    ],
)
def test_a_point_that_does_not_fit_is_refused_at_the_grid(experiment, grid, message):
    read = experiment(f"grid: {grid}\n")
    with pytest.raises(LabError, match=message):
        list(read.points())


def test_a_word_says_which_cost_is_matched(experiment):
    spec = experiment("baseline: resnet18\nmatch: macs\n", "match.by=depth").spec
    assert (spec.baseline, spec.match.what, spec.match.by) == ("resnet18", "macs", "depth")
    assert experiment().spec.match is None


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ("flops", r"e\.yaml:5: unknown 'match.what': 'flops'"),
        ("{what: macs, by: widht}", r"e\.yaml:5: 'match.by': 'widht' is not width, depth or a key of the variant"),
        ("{what: macs, bye: width}", r"e\.yaml:5: .*'bye'.*'by'"),
    ],
)
def test_a_mistake_in_match_is_refused_at_its_line(experiment, match, message):
    with pytest.raises(LabError, match=message):
        experiment(f"match: {match}\n")


MAPPING = {"variants": ["resnet18"], "train": {"epochs": 1, "batch_size": 8}, "seeds": range(3)}


def test_an_experiment_as_a_mapping(workspace):
    read = load({**MAPPING, "data": {"name": "imagefolder", "path": Path("photos")}}, ["train.epochs=7"], "mine")
    assert (read.name, Path(read.document.file)) == ("mine", Path("mine.yaml"))
    assert (read.spec.seeds, read.spec.train.epochs) == ([0, 1, 2], 7)
    assert read.spec.data.options == {"path": "photos"}
    assert MAPPING["train"] == {"epochs": 1, "batch_size": 8}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tran": 1}, "^experiment 'mine', key 'tran': unknown key: 'tran'; did you mean 'train'?"),
        ({"train": {"epochs": 0, "batch_size": 8}}, "^experiment 'mine', key 'train.epochs': 'train.epochs' is 0"),
        ({"train": {"epochs": 1}}, "^experiment 'mine', key 'train': .*'batch_size'"),
        ({"seeds": [0, -1]}, "^experiment 'mine', key 'seeds.1': "),
    ],
)
def test_a_mistake_in_a_mapping_is_named_by_its_key(workspace, changes, message):
    with pytest.raises(LabError, match=message):
        load(MAPPING | changes, name="mine")


@pytest.mark.parametrize("name", [None, "two words", "a/b", ""])
def test_a_mapping_needs_a_name_that_can_be_a_folder(workspace, name):
    with pytest.raises(LabError, match="needs a name|is one word, not"):
        load(MAPPING, name=name)


def test_a_file_has_its_own_name(experiment):
    experiment()
    with pytest.raises(LabError, match="one that is read from a file has one"):
        load("e", name="other")


TWO = "baseline: resnet18\n"
AUTO = ("variants=[resnet18, resnet34]", "seeds=auto", "decide={smallest: 0.003}")


def test_a_number_of_seeds_stands_for_the_first_ones(experiment):
    assert experiment("seeds: 3\n").spec.seeds == [0, 1, 2]
    assert experiment("seeds: [4, 2]\n").spec.possible_seeds == [4, 2]
    assert experiment().spec.possible_seeds == [0]
    assert not experiment().spec.auto


def test_auto_chooses_among_the_seeds_that_decide_allows(experiment):
    spec = experiment(TWO, *AUTO).spec
    assert spec.auto
    assert spec.possible_seeds == list(range(30))
    assert (spec.decide.metric, spec.decide.smallest, spec.decide.confidence) == ("test_accuracy", 0.003, 0.95)


def test_a_baseline_may_be_a_path(experiment):
    spec = experiment("baseline: ./variants/resnet18.yaml\n").spec
    assert spec.baseline_name == "resnet18"


@pytest.mark.parametrize(
    ("extra", "settings", "message"),
    [
        ("seeds: 0\n", [], r"e\.yaml:5: 'seeds': 0 is no number from 1 to 10000, no list of seeds"),
        ("seeds: true\n", [], r"'seeds': True is no number"),
        ("seeds: automatic\n", [], r"'seeds': 'automatic' is no number .* and not the word auto"),
        ("seeds: 10001\n", [], r"'seeds': 10001 is no number"),
        ("seeds: 1.5\n", [], r"e\.yaml:5: 'seeds' is 1\.5"),
        (
            "baseline: resnet81\n",
            [],
            r"e\.yaml:5: unknown baseline 'resnet81'; did you mean 'resnet18'.*listed in 'variants', too",
        ),
        ("decide: {smallest: 0.1}\n", [], r"e\.yaml:5: 'decide' needs 'baseline'"),
        (TWO + "decide: {smalest: 0.1}\n", [], r"e\.yaml:6: unknown key in 'decide': 'smalest'; did you mean"),
        (TWO + "decide: {smallest: 0}\n", [], r"'decide.smallest' is 0"),
        (TWO + "decide: {at_most: 5}\n", [], r"'decide.at_most' is 5"),
        ("seeds: auto\n", [], r"e\.yaml:5: 'seeds: auto' needs 'baseline' and 'decide'"),
        (TWO, ["seeds=auto", "decide={}"], "needs a variant beside the baseline"),
        (
            TWO,
            [*AUTO, "engine=[mxnet, torch]"],
            "'seeds: auto' works without a grid and with one engine: remove 'engine'",
        ),
        (
            TWO + "grid: {train.epochs: [1, 2]}\n",
            AUTO,
            r"e\.yaml:6: .* with one engine: remove 'grid', or give a number of seeds",
        ),
    ],
)
def test_seeds_and_baselines_that_do_not_fit_are_refused(experiment, extra, settings, message):
    with pytest.raises(LabError, match=message):
        experiment(extra, *settings)
