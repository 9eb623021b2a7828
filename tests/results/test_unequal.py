"""The warning about rows that differ in what a comparison must hold fixed."""

import pytest

from resnet_lab.base.files import write_json
from resnet_lab.results.compare import compare
from resnet_lab.results.store import read_several
from resnet_lab.results.unequal import warning

HEAD = "the rows differ in what a comparison must hold fixed: "


def swept(folder, *keys):
    for trial in folder.labels:
        write_json(folder.path / "trials" / trial / "trial.json", {"swept": dict.fromkeys(keys, 1)})


def test_two_machines_and_two_image_sizes_are_named_with_their_values(folder):
    folder.put("a", 0, processor="AMD EPYC", device="cpu", test_accuracy=0.9)
    folder.put("a", 0, processor="NVIDIA H100", device="gpu:1", input="1x64x64", test_accuracy=0.9)
    table = folder.table()
    expected = HEAD + "input (32x32, 64x64), device (cpu, gpu), processor (AMD EPYC, NVIDIA H100)"
    assert warning(table, [folder.path]) == expected
    assert compare(table, paths=[folder.path]).attrs["notes"] == [f"warning: {expected}"]


@pytest.mark.parametrize(
    ("columns", "key", "text"),
    [
        ({"data": "mnist"}, "data.name", "data (digits, mnist)"),
        ({"epochs": 2}, "train.epochs", "epochs (1, 2)"),
        ({"dtype": "float16"}, "precision", "dtype (float32, float16)"),
        ({"dtype": "tf32"}, "precision", "dtype (float32, tf32)"),
        ({"input": "3x64x64"}, "data.size", "input (32x32, 64x64)"),
        ({"revision": "b"}, None, "revision (a, b)"),
    ],
)
def test_a_setting_differs_on_purpose_only_where_the_experiment_sweeps_it(folder, columns, key, text):
    folder.put("a", 0, revision="a")
    folder.labels[folder.put("b", 0, revision=columns.get("revision", "a"))] |= columns
    assert warning(folder.table(), [folder.path]) == HEAD + text
    if key is not None:
        swept(folder, key)
        assert warning(folder.table(), [folder.path]) is None


def test_a_deterministic_trial_differs_from_another(folder):
    for variant, value in (("a", False), ("b", True)):
        folder.labels[folder.put(variant, 0)]["deterministic"] = value
    assert warning(folder.table(), [folder.path]) == HEAD + "deterministic (False, True)"


def test_gray_and_coloured_images_of_one_size_and_two_gpus_of_one_machine_need_no_word(folder):
    folder.put("a", 0, input="1x32x32", device="gpu:0")
    folder.put("b", 0, input="3x32x32", device="gpu:1")
    folder.put("c", 0, "failed", epochs=(), device="cpu")
    assert warning(folder.table(), [folder.path]) is None


def test_two_experiments_are_compared_by_what_each_sweeps(folder, tmp_path):
    other = type(folder)(tmp_path / "other")
    for one, values in ((folder, (1, 2)), (other, (2,))):
        for epochs in values:
            trial = one.put("a", 0, test_accuracy=0.9)
            one.labels[trial]["epochs"] = epochs
        swept(one, "train.epochs")
        one.store()
    paths = [folder.path, other.path]
    assert warning(read_several(paths), paths) == HEAD + "epochs (1, 2)"
    other.labels[other.put("a", 0, test_accuracy=0.9)]["epochs"] = 1
    other.store()
    assert warning(read_several(paths), paths) is None
