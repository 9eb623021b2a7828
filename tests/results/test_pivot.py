"""A table turned round: only seeds are averaged, and settings that a cell would mix have rows of their own."""

import pytest

from resnet_lab import LabError
from resnet_lab.results.compare import compare

LR = "train.optimizer.lr"


@pytest.fixture
def families(folder):
    """Two depths, each of its own family, with two seeds."""
    for variant, depth, accuracy in (("a", 18, 0.8), ("b", 50, 0.9)):
        for seed in (0, 1):
            folder.put(variant, seed, depth=depth, test_accuracy=accuracy + seed / 10)
    return folder.table().assign(blocks=["basic"] * 2 + ["bottleneck"] * 2)


def test_rows_columns_and_means_over_the_seeds(families):
    table = compare(families, pivot="depth,family")
    assert list(table) == [
        "depth",
        "test_accuracy basic",
        "test_accuracy basic_std",
        "test_accuracy bottleneck",
        "test_accuracy bottleneck_std",
    ]
    assert table["test_accuracy basic"].fillna(-1).tolist() == pytest.approx([0.85, -1])
    assert table["test_accuracy bottleneck"].fillna(-1).tolist() == pytest.approx([-1, 0.95])
    assert table["test_accuracy basic_std"][0] == pytest.approx(0.0707106, abs=1e-6)


def test_a_number_is_named_with_its_column_and_the_metric_may_be_chosen(families):
    assert list(compare(families, pivot="variant,depth,macs"))[1::2] == ["macs depth=18", "macs depth=50"]


def test_settings_are_never_pooled(folder):
    for lr, accuracy in ((0.1, 0.9), (0.01, 0.5)):
        for variant in ("a", "b"):
            folder.put(variant, 0, test_accuracy=accuracy, **{LR: lr})
    table = compare(folder.table(), pivot="depth,variant")
    assert table["train.optimizer.lr"].tolist() == [0.01, 0.1]
    assert table["test_accuracy a"].tolist() == [0.5, 0.9]
    best = compare(folder.table(), pivot=f"{LR},variant")
    assert best[["test_accuracy a", "test_accuracy b"]].values.tolist() == [[0.5, 0.5], [0.9, 0.9]]


def test_two_networks_of_one_name_are_told_apart_by_their_digest(folder):
    for graph, accuracy in (("one", 0.5), ("two", 0.6)):
        folder.put("a", 0, graph=graph, test_accuracy=accuracy)
    assert compare(folder.table(), pivot="depth,variant")["graph"].tolist() == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("depth", "--pivot takes two different columns and, if wanted, a metric, such as depth,family; not 'depth'"),
        ("depth,depth", "--pivot takes two different columns"),
        ("dept,variant", "unknown column 'dept'; did you mean 'depth'?"),
        ("depth,variant,device", "the column 'device' holds no numbers"),
        (
            "depth,family",
            "the family of a network is its blocks, and no trial of the table has any; its columns are trial,",
        ),
    ],
)
def test_wrong_columns_are_refused(four, text, message):
    with pytest.raises(LabError, match=message.replace("?", r"\?")):
        compare(four.table(), pivot=text)
