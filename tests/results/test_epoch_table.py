"""The table of epochs: lines that are right are copied, and the others come from the trials' own files."""

import json

import pytest

from resnet_lab.results import epoch_table
from resnet_lab.results.epoch_table import EpochTable

KEYS = ["trial", "variant"]


@pytest.fixture
def table(tmp_path):
    """A results folder: `table.put(trial, ...)` writes the epochs of a trial, `table.open()` opens the table."""

    class Folder:
        file = tmp_path / "epochs.csv"

        def put(self, trial, *losses, **more):
            place = tmp_path / "trials" / trial
            place.mkdir(parents=True, exist_ok=True)
            rows = [{"epoch": number, "train_loss": loss, **more} for number, loss in enumerate(losses, 1)]
            (place / "epochs.json").write_text(json.dumps(rows) + "\n")

        def open(self):
            self.notes = []
            return EpochTable(tmp_path, lambda trial: [trial, f"variant of {trial}"], self.notes)

        def rows(self):
            return [tuple(line.split(",")[:3]) for line in self.file.read_text().splitlines()[1:]]

    return Folder()


def test_rows_that_are_written_are_not_read_again(table, monkeypatch):
    table.put("a", 2.0, 1.0)
    table.put("b", 3.0)
    table.open().write(KEYS, ["a", "b"], {})
    assert table.rows() == [("a", "variant of a", "1"), ("a", "variant of a", "2"), ("b", "variant of b", "1")]
    before = table.file.stat().st_ino
    monkeypatch.setattr(epoch_table, "read_or_set_aside", None)  # reading fails
    opened = table.open()
    opened.write(KEYS, ["a", "b"], {"a": 2, "b": 1})
    assert table.file.stat().st_ino == before


@pytest.mark.parametrize("missing", [1, 5, 20, 60])
def test_a_table_that_was_cut_off_is_mended(table, missing):
    table.put("a", 2.0, 1.0)
    table.put("b", 3.0, 2.5)
    table.open().write(KEYS, ["a", "b"], {})
    whole = table.file.read_text()
    table.file.write_text(whole[:-missing])
    table.open().write(KEYS, ["a", "b"], {"a": 2, "b": 2})
    assert table.file.read_text() == whole


def test_rows_of_a_trial_that_is_gone_are_removed(table):
    table.put("a", 2.0)
    table.put("b", 3.0)
    table.open().write(KEYS, ["a", "b"], {})
    table.open().write(KEYS, ["b"], {"b": 1})
    assert table.rows() == [("b", "variant of b", "1")]


def test_other_keys_write_every_row_anew(table):
    table.put("a", 2.0)
    table.open().write(KEYS, ["a"], {})
    table.open().write(["trial", "engine"], ["a"], {"a": 1})
    assert table.file.read_text().startswith("trial,engine,epoch,")
    assert len(table.rows()) == 1


def test_a_new_column_writes_every_row_anew(table):
    table.put("a", 2.0)
    opened = table.open()
    opened.write(KEYS, ["a"], {})
    table.put("b", 3.0, gradient_norm=7.0)
    assert not opened.append("b")
    opened.write(KEYS, ["a", "b"], {"a": 1})
    header, a, b = table.file.read_text().splitlines()
    assert header.endswith(",gradient_norm")
    assert a.endswith(",")
    assert b.endswith(",7.0")
    opened = table.open()
    opened.write(KEYS, ["a", "b"], {"a": 1, "b": 1})
    table.put("c", 4.0, gradient_norm=6.0)
    assert opened.append("c")
    assert table.file.read_text().splitlines()[1:3] == [a, b]


def test_a_damaged_file_is_named_though_its_rows_were_written(table):
    table.put("a", 2.0)
    table.put("b", 3.0)
    table.open().write(KEYS, ["a", "b"], {})
    file = table.file.with_name("trials") / "a" / "epochs.json"
    file.write_text(file.read_text()[:5])
    table.open().write(KEYS, ["a", "b"], {"a": 1, "b": 1})
    assert [note.partition(" is damaged")[0] for note in table.notes] == [str(file)]
    assert table.rows() == [("b", "variant of b", "1")]
