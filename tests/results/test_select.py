"""Conditions on rows: comparisons of columns, and nothing else."""

import pytest

from resnet_lab import LabError
from resnet_lab.results.select import each_once, where

LR = "train.optimizer.lr"


@pytest.fixture
def table(folder):
    folder.put("a", 0, params=10, test_accuracy=0.9, **{LR: 0.1})
    folder.put("b", 1, params=30_000_000, test_accuracy=0.8, **{LR: 0.01, "variant.stages.2.repeat": 3})
    folder.put("c", 2, params=40_000_000, test_accuracy=0.7, **{LR: 0.1})
    return folder.table()


@pytest.mark.parametrize(
    ("condition", "variants"),
    [
        ("params < 30e6", "a"),
        ("params <= 30e6 and test_accuracy < 0.85", "b"),
        ("variant == 'a' or variant == 'c'", "ac"),
        ("not variant == 'a'", "bc"),
        ("10 < params < 4e7", "b"),
        ("train.optimizer.lr == 0.1", "ac"),
        ("`train.optimizer.lr` == 0.01", "b"),
        ("`variant.stages.2.repeat` >= 3", "b"),
        ("seed in [0, 2]", "ac"),
        ("seed not in (0, 2)", "b"),
        ("seed > -1", "abc"),
        ("stale == False", "abc"),
        ("variant != 'a' and not (seed == 2 or seed == 0)", "b"),
    ],
)
def test_a_condition(table, condition, variants):
    assert where(table, condition)["variant"].tolist() == list(variants)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("parmas < 3", "unknown column 'parmas'; did you mean 'params'?"),
        ("variant == resnet18", "a text stands in quotes, such as variant == 'resnet18'"),
        ("params < 'many'", "compares a text with a number"),
        ("params <", "is no condition; an example is: params < 30e6"),
        ("params", "compares 'params' with nothing"),
        ("1 < 2", "is no condition"),
        ("params + 1 < 2", "is no condition"),
        ("params < 3 & seed > 1", "is no condition"),
        ("__import__('os').system('touch broken') == 0", "is no condition"),
        ("variant.__class__ == 0", "unknown column 'variant.__class__'"),
        ("[x for x in (1,)] == params", "is no condition"),
        ("", "is no condition"),
    ],
)
def test_anything_else_is_refused(table, condition, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LabError) as refused:
        where(table, condition)
    assert message in str(refused.value)
    assert not (tmp_path / "broken").exists()


def test_a_table_without_ids_keeps_every_row(table):
    assert len(each_once(table.drop(columns="trial"))) == 3
