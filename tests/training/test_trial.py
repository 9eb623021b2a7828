"""A trial: its id, its setting, its labels, and the way through JSON.

The golden file holds experiments and the ids of their trials. An id may only change together with `trial.FORMAT`; then
`python -m tests.training.test_trial` writes the file anew.
"""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from resnet_lab import graph as network
from resnet_lab.network.initial import initial
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.plan import plan
from resnet_lab.training.trial import FORMAT, Trial
from resnet_lab.weights import safetensors

GOLDEN = Path(__file__).with_name("golden_ids.json")
BLOCK = (
    "from resnet_lab import block\nfrom resnet_lab.ops import conv, norm, relu\n\n\n@block('golden')\n"
    "def golden(x, channels, stride, shortcut, *, kernel: int = 3):\n"
    "    return relu(norm(conv(x, channels, kernel, stride)) + shortcut(x))\n"
)


def furnish(folder):
    """Write the files that the golden experiments name: a variant with a block of its own, and weights."""
    for name in ("variants", "experiments"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "variants" / "golden.yaml").write_text(
        "extends: cifar_resnet20\nblocks: [golden.py]\nevery_stage: {block: golden, conv_bias: null}\n"
    )
    (folder / "variants" / "golden.py").write_text(BLOCK)
    zeros = {name: np.zeros_like(array) for name, array in initial(network("cifar_resnet20", (3, 8, 8)), 0).items()}
    safetensors.save(folder / "experiments" / "start.safetensors", zeros)


def ids(text, folder):
    """The ids of the trials of an experiment's text, planned in `folder`."""
    file = folder / "experiments" / "golden_experiment.yaml"
    file.write_text(text)
    return [trial.id for trial in plan(load(file)).trials]


CASES = json.loads(GOLDEN.read_text())["experiments"] if GOLDEN.is_file() else {}


def test_the_golden_file_is_of_this_format():
    assert json.loads(GOLDEN.read_text())["format"] == FORMAT
    assert len(CASES) >= 12


@pytest.mark.parametrize("name", CASES)
def test_no_id_changes(workspace, name):
    furnish(workspace)
    assert ids(CASES[name]["experiment"], workspace) == CASES[name]["ids"]


def test_the_golden_ids_are_all_different():
    every = [trial for case in CASES.values() for trial in case["ids"]]
    assert len(set(every)) == len(every)


@pytest.fixture
def trials(workspace):
    """The trials of an experiment's text, in a workspace with the golden files."""
    furnish(workspace)

    def of(text):
        (workspace / "experiments" / "e.yaml").write_text(text)
        return plan(load("experiments/e.yaml")).trials

    return of


TEXT = """
variants: [cifar_resnet20]
data: {name: digits, size: 8}
train: {epochs: 2, batch_size: 32}
"""


def test_replicates_share_the_setting_and_nothing_else_does(trials):
    first, second = trials(TEXT + "seeds: [0, 1]\n")
    assert first.id != second.id
    assert first.setting == second.setting != first.id
    swept = trials(TEXT + "grid: {train.optimizer.lr: [0.1, 0.2], precision: [float32, float16]}\n")
    assert len({trial.setting for trial in swept}) == 4


def test_a_trial_with_another_seed_is_the_one_that_is_made_with_this_seed(trials):
    first, second = trials(TEXT + "seeds: [3, 4]\n")
    (alone,) = trials(TEXT + "seeds: [4]\n")
    made = first.with_seed(4)
    assert made == second == alone
    assert (made.id, made.title, made.labels()) == (alone.id, alone.title, alone.labels())
    assert list(made.labels()) == list(alone.labels())
    assert made._content is first._content  # computed once, however many seeds a setting has


def test_a_trial_is_the_same_after_its_way_through_json(trials):
    text = (
        TEXT.replace("epochs: 2", "epochs: 2, init: {weights: start.safetensors}") + "grid: {data.validation: [0.1]}\n"
    )
    (trial,) = trials(text)
    again = Trial.from_json(json.loads(json.dumps(trial.to_json())))
    assert again.labels() == trial.labels()
    assert (again.id, again.title) == (trial.id, trial.title)


def test_determinism_enters_the_id_only_where_it_is_asked_for_and_is_always_a_column(trials):
    (plain,), (off,), (on,) = (trials(TEXT + more) for more in ("", "deterministic: false\n", "deterministic: true\n"))
    assert plain.id == off.id != on.id
    assert plain.setting != on.setting
    assert [trial.labels()["deterministic"] for trial in (plain, on)] == [False, True]
    assert Trial.from_json(json.loads(json.dumps(on.to_json()))) == on


def test_a_title_says_what_the_grid_sweeps(trials):
    text = TEXT.replace("[cifar_resnet20]", "[golden]") + (
        "grid: {train.optimizer.lr: [0.2], variant.every_stage.kernel: [5], data.augment: [[flip]]}\n"
    )
    (trial,) = trials(text)
    assert trial.title == 'golden mxnet lr=0.2 kernel=5 augment=["flip"] seed=0'
    assert trial.labels()["variant.every_stage.kernel"] == 5


def test_the_number_of_classes_is_a_column(trials):
    assert trials(TEXT)[0].labels()["classes"] == 10


def test_a_file_is_a_column_by_its_name_and_content(trials):
    text = TEXT.replace("epochs: 2", "epochs: 2, init: {weights: start.safetensors}")
    (trial,) = trials(text)
    digest = trial.contents["train.init.weights"]
    assert trial.labels()["train.init.weights"] == f"start.safetensors ({digest})"


def _write() -> None:
    """Write the golden file anew: the experiments stay, the ids are those of today."""
    golden = json.loads(GOLDEN.read_text())
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        furnish(Path(place))
        for case in golden["experiments"].values():
            case["ids"] = ids(case["experiment"], Path(place))
    GOLDEN.write_text(json.dumps({"format": FORMAT, "experiments": golden["experiments"]}, indent=1) + "\n")


if __name__ == "__main__":
    _write()
