"""CSV files that grow: one line a row, and a last line that was cut off is left out."""

import csv
import math

import pandas as pd
import pytest

from resnet_lab.results.csv_file import append, is_whole, to_lines, whole_lines, without_cut_line

VALUES = ["a", 'with "quotes", and a comma', "", None, math.nan, True, 3, 0.1 + 0.2, math.inf, "é"]


def test_a_row_is_one_line_that_reads_back():
    (line,) = to_lines([VALUES])
    assert line.count("\n") == 1
    assert next(csv.reader([line])) == [
        *("a", 'with "quotes", and a comma', "", "", "", "True", "3", "0.30000000000000004", "inf", "é")
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_break_in_a_text_becomes_a_blank(end):
    assert to_lines([[f"one{end}two", 1]]) == ["one two,1\n"]


def test_lines_that_are_appended_are_those_that_are_read(tmp_path):
    file = tmp_path / "trials.csv"
    assert list(whole_lines(file)) == []
    assert not is_whole(file)
    append(file, ["a,b\n"])
    append(file, ["1,2\n", "3,4\n"])
    assert is_whole(file)
    assert list(whole_lines(file)) == ["a,b\n", "1,2\n", "3,4\n"]
    append(file, ["5,"])
    assert not is_whole(file)
    assert list(whole_lines(file)) == ["a,b\n", "1,2\n", "3,4\n"]


@pytest.mark.parametrize(("name", "rows"), [("trials.csv", 1), ("epochs.csv", 1), ("my_figures.csv", 2)])
def test_only_our_own_tables_lose_a_line_without_an_end(tmp_path, name, rows):
    (tmp_path / name).write_bytes(b"a,b\n1,2\n3,4")
    assert len(pd.read_csv(without_cut_line(tmp_path / name))) == rows
    (tmp_path / name).write_bytes(b"a,b\n1,2\n3,4\n")
    assert without_cut_line(tmp_path / name) == tmp_path / name
