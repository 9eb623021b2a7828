"""Experiments: trials, their ids, sweeps and settings."""

import pytest

from resnet_lab import LabError
from resnet_lab.specs.data import AugmentSpec, DataSpec
from resnet_lab.specs.experiment import load
from resnet_lab.specs.identity import identity
from resnet_lab.specs.schedules import Cosine
from resnet_lab.sweeps.plan import duplicate_message, plan

TEXT = """
variants: [cifar_resnet20]
data: {name: digits, size: 16}
train: {epochs: 2, batch_size: 32, optimizer: {lr: 0.1}}
"""


@pytest.fixture
def trials(workspace):
    """The trials of an experiment's text."""

    def of(text=TEXT, *settings):
        (workspace / "experiments" / "e.yaml").write_text(text)
        return plan(load("experiments/e.yaml", settings)).trials

    return of


def test_an_id_is_the_content_and_nothing_else(trials, workspace):
    (first,) = trials()
    same = [
        "# a comment\n" + TEXT,
        TEXT.replace("{name: digits, size: 16}", "{size: 16}"),
        TEXT.replace("optimizer:", "schedule: {name: constant, warmup: 0.0}, optimizer:"),
        TEXT + "description: words\n",
        TEXT + "device: cpu\nmeasure: false\n",
        TEXT + "compile: off\n",
    ]
    assert {trials(text)[0].id for text in same} == {first.id}
    (workspace / "variants" / "alias.yaml").write_text("description: another name\nextends: cifar_resnet20\n")
    assert trials(TEXT.replace("[cifar_resnet20]", "[alias]"))[0].id == first.id
    other = [
        TEXT.replace("0.1", "0.2"),
        TEXT.replace("16", "24"),
        TEXT + "seeds: [1]\n",
        TEXT.replace("resnet20", "resnet32"),
        TEXT.replace("epochs: 2", "epochs: 3"),
        TEXT.replace("size: 16", "size: 16, validation: 0.1"),
        TEXT.replace("epochs: 2", "epochs: 2, init: {last_scale: zero}"),
    ]
    assert len({trials(text)[0].id for text in other} | {first.id}) == len(other) + 1


def test_a_known_id(trials):
    """Pinned: a change of defaults that alters outcomes must raise trials.FORMAT, and so this."""
    assert trials()[0].id == KNOWN


KNOWN = "432ae7e18ab2"


def test_changing_a_block_changes_the_trials_that_use_it_only(trials, workspace):
    (workspace / "variants" / "mine.yaml").write_text(
        "extends: cifar_resnet20\nblocks: [mine.py]\nevery_stage: {block: mine, conv_bias: null}\n"
    )
    code = (
        "from resnet_lab import block\nfrom resnet_lab.ops import conv, norm, relu\n\n\n@block('mine')\n"
        "def mine(x, channels, stride, shortcut):\n    return relu(norm(conv(x, channels, 3, stride)) + shortcut(x))\n"
    )
    (workspace / "variants" / "mine.py").write_text(code)
    text = TEXT.replace("[cifar_resnet20]", "[cifar_resnet20, mine]")
    before = [trial.id for trial in trials(text)]
    (workspace / "variants" / "mine.py").write_text(code.replace("3, stride", "5, stride"))
    after = [trial.id for trial in trials(text)]
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_variants_grid_and_seeds_multiply(trials):
    text = TEXT.replace("[cifar_resnet20]", "[cifar_resnet20, resnet18]") + (
        "seeds: [0, 1, 2]\ngrid: {train.optimizer.lr: [0.1, 0.05], variant.every_stage.conv_bias: [true, false]}\n"
    )
    found = trials(text)
    assert len({trial.id for trial in found}) == len(found) == 2 * 3 * 2 * 2
    row = found[-1].labels()
    assert (row["variant"], row["seed"]) == ("resnet18", 2)
    assert (row["train.optimizer.lr"], row["variant.every_stage.conv_bias"]) == (0.05, False)
    biased, plain = (
        next(trial for trial in found if trial.swept["variant.every_stage.conv_bias"] is on) for on in (True, False)
    )
    assert (biased.variant, plain.variant) == ("cifar_resnet20", "cifar_resnet20")
    assert biased.graph.params > plain.graph.params


def test_two_specs_of_one_name_are_refused(trials, workspace):
    """Only the name would tell their results apart."""
    (workspace / "variants" / "deep").mkdir()
    (workspace / "variants" / "mine.yaml").write_text("extends: cifar_resnet20\n")
    (workspace / "variants" / "deep" / "mine.yaml").write_text("extends: cifar_resnet32\n")
    text = TEXT.replace("[cifar_resnet20]", "[mine, variants/deep/mine.yaml]")
    with pytest.raises(LabError, match=r"e\.yaml:2: two variants have the name 'mine', .*variants/deep/mine\.yaml"):
        trials(text)
    assert len(trials(TEXT.replace("[cifar_resnet20]", "[mine, variants/mine.yaml]"))) == 1


def test_a_value_of_the_grid_that_does_not_fit_names_the_variant(trials):
    text = TEXT.replace("[cifar_resnet20]", "[resnet18, cifar_resnet20]") + "grid: {variant.stem.norm_after: [true]}\n"
    with pytest.raises(LabError, match=r"e\.yaml:5: unknown option of stem 'imagenet': .*; in the variant 'resnet18'"):
        trials(text)


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "seeds: [3, 3]\n",
        TEXT.replace("[cifar_resnet20]", "[cifar_resnet20, cifar_resnet20]") + "seeds: [3]\n",
        TEXT + "seeds: [3]\ngrid: {train.epochs: [2, 2]}\n",
    ],
)
def test_what_is_listed_twice_runs_once(workspace, text):
    (workspace / "experiments" / "e.yaml").write_text(text)
    found = plan(load("experiments/e.yaml"))
    assert len(found.trials) == 1
    (pair,) = found.duplicates
    assert duplicate_message(*pair).startswith("cifar_resnet20 with the seed 3 is asked for twice, since a variant, a")


def test_settings_go_on_top(trials):
    (trial,) = trials(
        TEXT, "train.epochs=7", "data.augment=[flip, {pad_crop: 2}]", "seeds=[4]", "train.optimizer.lr=1e-3"
    )
    assert (trial.train.epochs, trial.seed, trial.train.optimizer.lr) == (7, 4, 1e-3)
    assert trial.data.augment == AugmentSpec(flip=True, pad_crop=2)


def test_grey_images_get_the_channels_that_the_variant_takes(trials):
    text = TEXT.replace("[cifar_resnet20]", "[cifar_resnet20, d2l_resnet18]")
    assert [trial.graph.input for trial in trials(text)] == [(3, 16, 16), (1, 16, 16)]
    assert [trial.graph.input for trial in trials(text, "data.channels=1")] == [(1, 16, 16)] * 2


def test_a_head_has_as_many_outputs_as_the_data_has_classes(trials):
    assert trials(TEXT.replace("cifar_resnet20", "resnet18"))[0].graph.output == (10,)


def test_words_stand_for_mappings():
    data = DataSpec.model_validate({"augment": ["flip"]})
    assert data.augment.settings == {"flip": True}


def test_a_shipped_experiment_is_found_in_an_empty_folder(workspace):
    assert load("depth_sweep").name == "depth_sweep"
    assert len(plan(load("experiments/depth_sweep.yaml")).trials) == 5


def test_an_experiment_may_have_the_name_of_its_variant(trials, workspace):
    (workspace / "variants" / "e.yaml").write_text("extends: cifar_resnet20\n")
    assert trials(TEXT.replace("[cifar_resnet20]", "[e]"))[0].variant == "e"


def test_a_variant_beside_the_experiment_is_found_by_its_name(workspace, monkeypatch):
    idea = workspace / "ideas" / "first"
    idea.mkdir(parents=True)
    (idea / "mine.yaml").write_text("extends: cifar_resnet20\nhead: {dropout: 0.5}\n")
    (idea / "sweep.yaml").write_text(TEXT.replace("[cifar_resnet20]", "[mine]"))
    found = plan(load("ideas/first/sweep.yaml")).trials
    assert found[0].variant == "mine"
    (idea / "sweep.yaml").write_text(TEXT.replace("[cifar_resnet20]", "[min]"))
    with pytest.raises(LabError, match=r"sweep.yaml:2: unknown variant 'min'; did you mean 'mine'\?"):
        plan(load("ideas/first/sweep.yaml"))
    (idea / "sweep.yaml").write_text(TEXT.replace("[cifar_resnet20]", "[mine]"))
    monkeypatch.chdir(idea)
    assert [trial.id for trial in plan(load("sweep")).trials] == [trial.id for trial in found]


def test_every_setting_is_a_column_whether_it_is_swept_or_not(trials):
    text = TEXT + "grid: {train.optimizer: [{name: adam, lr: 0.001}, {lr: 0.2}]}\n"
    adam, sgd = (trial.labels() for trial in trials(text))
    assert (adam["train.optimizer.name"], sgd["train.optimizer.name"]) == ("adam", "sgd")
    assert (adam["train.optimizer.lr"], sgd["train.optimizer.lr"]) == (0.001, 0.2)
    for row in (adam, sgd):
        assert (row["train.schedule.name"], row["train.init.weight"], row["data.validation"]) == (
            "constant",
            "msra",
            0.0,
        )
        assert (row["train.freeze"], row["train.label_smoothing"], row["data.augment"]) == ("[]", 0.0, "{}")
        assert "data.workers" not in row  # it decides nothing
    text = TEXT.replace("size: 16", "size: 16, augment: [{pad_crop: 4}, flip]")
    assert trials(text)[0].labels()["data.augment"] == '{"flip": true, "pad_crop": 4}'


def test_a_limit_decides_the_outcome_and_a_test_after_each_epoch_does_not(trials):
    assert trials(TEXT, "train.test_every=1")[0].id == KNOWN
    assert trials(TEXT, "data.limit=null")[0].id == KNOWN
    limited = trials(TEXT, "data.limit=100")[0]
    assert limited.id != KNOWN
    assert limited.labels()["data.limit"] == 100
    with pytest.raises(LabError, match=r"--set data.limit=1438: 'data.limit' is 1438, but there are only 1437 images"):
        trials(TEXT, "data.limit=1438")
    with pytest.raises(LabError, match=r"e.yaml:4: 'train.batch_size' is 32, but there are only 20 images to train"):
        trials(TEXT, "data.limit=20")


def test_a_word_can_be_added_to(trials):
    text = TEXT.replace("{name: digits, size: 16}", "digits")
    assert trials(text, "data.size=16")[0].id == KNOWN
    text = TEXT.replace("epochs: 2", "epochs: 2, schedule: cosine")
    assert trials(text, "train.schedule.warmup=1")[0].train.schedule == Cosine(warmup=1)


MINE = """
import numpy as np
from resnet_lab.data import Dataset, Split, dataset


@dataset("stripes", shape=(1, 8, 8), classes=2, count=64)
def stripes(*, width: int = 1):
    labels = np.arange(64, dtype=np.int32) % 2
    images = np.zeros((64, 1, 8, 8), np.uint8)
    images[labels == 1, :, :, ::1 + width] = 255
    split = Split(images, labels)
    return Dataset("stripes", ("plain", "striped"), split, split, (0.5,), (0.5,))
"""


def test_a_dataset_of_ones_own_beside_the_experiment(trials, workspace):
    text = "datasets: [mine.py]\n" + TEXT.replace("{name: digits, size: 16}", "{name: stripes}")
    (workspace / "experiments" / "mine.py").write_text(MINE)
    first = trials(text)[0]
    assert (first.graph.input, first.graph.output) == ((3, 8, 8), (2,))
    assert first.datasets == (str(workspace / "experiments" / "mine.py"),)
    wider = trials(text.replace("{name: stripes}", "{name: stripes, width: 2}"))[0]
    (workspace / "experiments" / "mine.py").write_text(MINE.replace("255", "254"))
    changed = trials(text)[0]
    assert len({first.id, wider.id, changed.id}) == 3
    (workspace / "experiments" / "mine.py").write_text(MINE)
    assert trials(text)[0].id == first.id
    assert trials(text + "grid: {data.width: [1, 2, 3]}")[1].data.options == {"width": 2}
    (workspace / "experiments" / "mine.py").write_text("from levels import DARK\n" + MINE)
    (workspace / "experiments" / "levels.py").write_text("DARK = 0\n")
    helped = trials(text)[0]
    (workspace / "experiments" / "levels.py").write_text("DARK = 1\n")
    assert len({first.id, helped.id, trials(text)[0].id}) == 3


def test_an_id_goes_with_the_pictures_and_not_with_their_place(trials, workspace):
    from tests.data.writing import jpeg

    for name in ("a", "b"):
        for number in range(20):
            place = workspace / "photos" / name / f"{number}.jpg"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(jpeg(number))
    text = TEXT.replace("{name: digits, size: 16}", "{name: imagefolder, path: ../photos, size: 16}")
    first = trials(text)[0]
    assert first.labels()["data"] == "imagefolder:photos"
    with pytest.raises(LabError, match=r"e\.yaml:3: .* pictures of any size: the key 'size' is missing in 'data'"):
        trials(text.replace(", size: 16", ""))
    assert first.data.options["path"] == str(workspace / "photos")
    assert trials(text, "data.workers=3")[0].id == first.id
    assert trials(text, "data.damaged=skip")[0].id != first.id
    (workspace / "photos").rename(workspace / "pictures")
    assert trials(text.replace("photos", "pictures"))[0].id == first.id
    (workspace / "pictures" / "a" / "more.jpg").write_bytes(jpeg(99))
    assert trials(text.replace("photos", "pictures"))[0].id != first.id


def test_augmentation_is_a_list_of_words_and_settings(trials):
    written = (
        "[flip, {pad_crop: 4}, {random_resized_crop: [0.25, 1]}, rand_augment, {color_jitter: 0.3}, "
        "random_erasing, mixup, {cutmix: 0.5}]"
    )
    augment = trials(TEXT.replace("size: 16", f"size: 16, augment: {written}"))[0].data.augment
    assert augment == AugmentSpec(
        flip=True, pad_crop=4, random_resized_crop=(0.25, 1.0), rand_augment=(2, 9), color_jitter=0.3,
        random_erasing=0.25, mixup=0.2, cutmix=0.5,
    )  # fmt: skip
    assert trials(TEXT.replace("size: 16", "size: 16, augment: [{resize: 20}]"))[0].data.augment.settings == {
        "resize": (20, 20)
    }
    plain = trials(TEXT.replace("size: 16", "size: 16, augment: [flip]"))[0]
    assert identity(plain.data)["augment"] == {"flip": True}  # what is not set does not enter


WIDE = "extends: cifar_resnet20\nevery_stage: {block: bottleneck}\n"


@pytest.fixture
def matched_plan(workspace):
    """The plan of an experiment that matches a wide variant to the baseline."""

    def of(extra="", *settings):
        (workspace / "variants" / "wide.yaml").write_text(WIDE)
        text = TEXT.replace("[cifar_resnet20]", "[cifar_resnet20, wide]") + "match: macs\n" + extra
        (workspace / "experiments" / "e.yaml").write_text(text)
        return plan(load("experiments/e.yaml", settings))

    return of


def test_every_variant_but_the_baseline_is_matched(matched_plan):
    plain, wide = matched_plan("baseline: cifar_resnet20\n").trials
    assert (plain.matched, wide.matched[:11]) == ("", "macs: width")
    assert "matched" not in plain.labels()
    assert wide.labels()["matched"] == wide.matched
    assert abs(wide.graph.macs / plain.graph.macs - 1) <= 0.01
    assert type(wide).from_json(wide.to_json()).matched == wide.matched


def test_nothing_is_matched_unless_asked(matched_plan):
    found = matched_plan("baseline: cifar_resnet20\n", "match=null")
    assert found.matched == ()
    assert found.trials[1].labels().get("matched") is None
    assert found.trials[0].id == KNOWN


def test_each_point_of_the_grid_is_matched_to_the_baseline_at_this_point(matched_plan):
    extra = "baseline: cifar_resnet20\ngrid: {data.size: [16, 24], variant.stages.3.repeat: [3, 5]}\n"
    found = matched_plan(extra)
    assert len({matched.graph.digest for matched in found.matched}) == len(found.matched) > 1
    assert {matched.summary.partition(" is matched")[0] for matched in found.matched} == {
        "wide repeat=3",
        "wide repeat=5",
    }
    for plain, wide in zip(found.trials[::2], found.trials[1::2], strict=True):
        assert (plain.variant, wide.variant, plain.swept) == ("cifar_resnet20", "wide", wide.swept)
        assert abs(wide.graph.macs / plain.graph.macs - 1) <= 0.01


def test_matching_needs_a_baseline(matched_plan):
    with pytest.raises(LabError, match=r"e\.yaml:5: 'match' needs 'baseline'"):
        matched_plan()


def test_what_cannot_be_matched_is_refused_at_the_line_of_match(matched_plan):
    with pytest.raises(LabError, match=r"e\.yaml:5: wide cannot be matched in macs by depth: the nearest is depth"):
        matched_plan("baseline: cifar_resnet20\n", "match.by=depth")
