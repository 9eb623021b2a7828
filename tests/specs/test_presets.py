"""Presets: their settings replace those of the experiment and keep their lines; a wrong name gets the nearest."""

import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.specs.presets import key_path

TEXT = """
variants: [resnet18, resnet34]
data: {name: imagefolder, path: photos, size: 32, augment: [flip]}
train:
  epochs: 9
  batch_size: 32
  optimizer: {name: sgd, lr: 0.5, momentum: 0.9}
  schedule: {name: step, milestones: [3], warmup: 1}
grid: {train.optimizer.lr: [0.1, 0.2]}
presets:
  small:
    variants.1: resnet50
    data: {name: digits}
    train: {epochs: 2, optimizer: {momentum: 0.8}}
    train.schedule: cosine
    grid: {}
  wrong: {train.epochs: 0, train: {epoch: 3}}
  long: {grid: {train.optimizer.lr: [1.0]}, data: {size: 64}}
"""


@pytest.fixture
def experiment(workspace):
    def of(preset, *settings, text=TEXT):
        (workspace / "experiments" / "e.yaml").write_text(text)
        return load("e", settings, preset=preset)

    return of


def test_a_preset_takes_the_place_of_what_the_file_says(experiment):
    small = experiment("small")
    assert small.name == "e-small"
    assert small.spec.variants == ["resnet18", "resnet50"]
    assert small.spec.data.model_dump(exclude_defaults=True) == {}  # a dataset that is named takes the options away
    assert (small.spec.train.epochs, small.spec.train.batch_size) == (2, 32)
    assert (small.spec.train.optimizer.lr, small.spec.train.optimizer.momentum) == (0.5, 0.8)
    assert (small.spec.train.schedule.name, small.spec.train.schedule.warmup) == ("cosine", 0)
    assert small.spec.grid == {}


def test_mappings_without_a_name_are_merged(experiment):
    spec = experiment("long").spec
    assert (spec.data.name, spec.data.size, spec.grid) == ("imagefolder", 64, {"train.optimizer.lr": [1.0]})


def test_without_the_option_presets_have_no_effect(experiment):
    without = TEXT[: TEXT.index("presets:")]
    plain, kept = experiment(None, text=without), experiment(None)
    assert (kept.name, kept.spec.model_copy(update={"presets": {}})) == ("e", plain.spec)
    assert list(kept.points()) == list(plain.points())


def test_a_setting_of_the_command_line_wins_over_the_preset(experiment):
    spec = experiment("small", "train.epochs=5", "train.schedule.warmup=2").spec
    assert (spec.train.epochs, spec.train.schedule.warmup) == (5, 2)


def test_presets_of_a_mapping():
    values = {
        "variants": ["resnet18"],
        "train": {"epochs": 3, "batch_size": 8},
        "presets": {"one": {"train.epochs": 1}},
    }
    read = load(values, name="mine", preset="one")
    assert (read.name, read.spec.train.epochs, values["train"]["epochs"]) == ("mine-one", 1, 3)


@pytest.mark.parametrize(
    ("preset", "text", "message"),
    [
        ("smal", TEXT, r"e\.yaml:10: unknown preset 'smal'; did you mean 'small'\? \(known: long, small, wrong\)"),
        ("small", TEXT[: TEXT.index("presets")], r"e\.yaml:2: unknown preset 'small' \(known: none\)"),
        ("wrong", TEXT.replace(", train: {epoch: 3}", ""), r"e\.yaml:17: 'train.epochs' is 0"),
        ("wrong", TEXT.replace("train.epochs: 0, ", ""), r"e\.yaml:17: unknown key in 'train': 'epoch'; did you mean"),
        ("small", TEXT.replace("variants.1", "variants.2"), r"e\.yaml:12: 'variants.2': 'variants' has the places 0"),
        ("small", TEXT.replace("variants.1", "seeds.1"), r"e\.yaml:12: 'seeds' is a mapping"),
        (
            "small",
            TEXT.replace("variants.1: resnet50", "presets.long: {}"),
            r"e\.yaml:12: a preset cannot change presets",
        ),
        ("long", TEXT.replace("[1.0]", "[0.0]"), r"e\.yaml:18: 'train.optimizer.lr' is 0"),
        ("few", TEXT.replace("  small:", "  few: 3\n  small:"), r"e\.yaml:11: the preset 'few' is no mapping of keys"),
        (None, TEXT.replace("  small:", "  few: 3\n  small:"), r"e\.yaml:11: 'presets.few' is 3"),
        (None, TEXT.replace("presets:", "preset:"), r"e\.yaml:10: unknown key: 'preset'; did you mean 'presets'"),
    ],
)
def test_a_mistake_in_a_preset_is_refused_at_its_line(experiment, preset, text, message):
    with pytest.raises(LabError, match=message):
        list(experiment(preset, text=text).points())


def test_numbers_in_a_dotted_key_are_places_in_lists():
    assert key_path("train.schedule.milestones.0") == ("train", "schedule", "milestones", 0)


@pytest.mark.parametrize("preset", [None, "small"])
def test_a_setting_of_the_command_line_changes_no_preset(experiment, preset):
    with pytest.raises(LabError, match="--set presets.small.train=1: the file alone says what its presets are"):
        experiment(preset, "presets.small.train=1")
