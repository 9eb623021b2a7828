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


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("{train.epochs: [0]}", r"e\.yaml:5: 'train.epochs' is 0"),
        ("{seeds: [1]}", r"e\.yaml:5: 'seeds' cannot be swept"),
        ("{train: [1]}", r"e\.yaml:5: 'train' cannot be swept"),
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
