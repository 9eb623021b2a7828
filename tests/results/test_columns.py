"""Which columns are settings, and in which order columns stand."""

from resnet_lab.results.columns import LABELS, METRICS, WHERE, differing, ordered, settings


def test_settings_stand_between_the_labels_and_the_status():
    names = ordered(["wall_s", "later_column", "train.epochs", "trial", "status"])
    assert names[: len(LABELS)] == LABELS
    assert names.index("train.epochs") < names.index("status") < names.index(METRICS[0]) < names.index(WHERE[0])
    assert names[-1] == "later_column"
    assert len(names) == len(set(names))


def test_a_seed_and_a_figure_are_no_settings(folder):
    folder.put("a", 0, test_accuracy=0.5, **{"train.epochs": 1})
    found = settings(folder.table())
    assert {"variant", "graph", "engine", "train.epochs"} <= set(found)
    assert not {"seed", "trial", "setting", "test_accuracy", "device", "stale"} & set(found)


def test_a_setting_with_two_names_differs_once(folder):
    folder.put("a", 0, epochs=(1.0,), **{"train.epochs": 1, "batch_size": 8, "train.batch_size": 8})
    folder.put("a", 0, **{"train.epochs": 1, "batch_size": 16, "train.batch_size": 16})
    assert differing(folder.table()) == ["batch_size"]
