"""Tables: nothing that a value holds breaks Markdown or LaTeX, and what fits a width fits it."""

import json
import re
import shutil
import subprocess

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_lab.cli import tables
from resnet_lab.cli.tables import Column, blocks, fitting, total_width

FRAME = pd.DataFrame(
    {"variant": ["a|b_1", "50 % & more"], "test_accuracy": [0.90004, float("nan")], "params": [11_689_512, 3]}
)


def test_markdown_escapes_what_ends_a_cell():
    head, rule, first, second = tables.written(FRAME, "markdown").splitlines()
    assert [cell.strip() for cell in head.split("|")] == ["", "variant", "test_accuracy", "params", ""]
    assert [cell.endswith(":") for cell in rule.strip("|").split("|")] == [False, True, True]
    assert first.replace(" ", "") == r"|a\|b_1|0.9000|11.69M|"
    assert [cell.strip() for cell in second.strip("|").split("|")] == ["50 % & more", "", "3"]
    lines = tables.written(pd.DataFrame({"x|y": ["one\ntwo"]}), "markdown").splitlines()
    assert (lines[0].strip("| "), lines[2].strip("| ")) == (r"x\|y", "one two")


def test_markdown_keeps_texts_that_look_like_numbers():
    assert "| 007" in tables.written(pd.DataFrame({"trial": ["007", "1e5"]}), "markdown")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("50 %", r"50 \%"), ("a_b", r"a\_b"), ("a & b", r"a \& b"), ("{#$}", r"\{\#\$\}"), ("a|b", "a|b")],
)
def test_latex_escapes_cells_and_heads(text, escaped):
    lines = tables.written(pd.DataFrame({text: [text], "n": [1.0]}), "latex").splitlines()
    rows = [rf"{escaped} & n \\", rf"{escaped} & 1 \\"]
    expected = [r"\begin{tabular}{lr}", r"\toprule", rows[0], r"\midrule", rows[1], r"\bottomrule", r"\end{tabular}"]
    assert lines == expected


def test_csv_and_json_keep_every_digit():
    assert tables.written(FRAME, "csv").splitlines()[1] == "a|b_1,0.90004,11689512"
    assert json.loads(tables.written(FRAME, "json"))[1] == {
        "variant": "50 % & more",
        "test_accuracy": None,
        "params": 3,
    }


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("params", 11_689_512, "11.69M"),
        ("published_macs", 3.6e9, "3.60G"),
        ("published_by_macs", "He et al. 2015, Table 1", "He et al. 2015, Table 1"),
        ("test_accuracy", 0.9, "0.9000"),
        ("params_over_resnet18", 2.0, "2.0000"),
        ("wall_s", 61.23, "61.2"),
        ("latency_ms", 8.1234, "8.123"),
        ("seed", 3, "3"),
        ("test_accuracy", float("nan"), ""),
    ],
)
def test_a_cell_is_rounded_by_what_it_measures(column, value, text):
    assert tables.cell(column, value) == text


COLUMNS = st.lists(
    st.builds(
        Column,
        name=st.text("abc_", min_size=1, max_size=8),
        head=st.text("ab _.", max_size=30),
        cells=st.lists(st.text("x1", max_size=40), min_size=2, max_size=2).map(tuple),
        right=st.booleans(),
    ),
    min_size=1,
    max_size=9,
    unique_by=lambda column: column.name,
)


@given(COLUMNS, st.integers(40, 120), st.lists(st.text("abc_", min_size=1, max_size=3), max_size=3))
def test_what_fits_a_width_is_no_wider(columns, width, dispensable):
    kept = fitting(columns, width, dispensable)
    assert kept[0] == columns[0]
    assert total_width(kept) <= width or len(kept) == 1
    assert kept == [column for column in columns if column in kept]
    parts = blocks(columns, width)
    assert [column for part in parts for column in part[1:]] == columns[1:]
    assert all(total_width(part) <= width or len(part) == 2 for part in parts[: len(columns) - 1])


@given(COLUMNS)
def test_no_word_of_a_head_is_wider_than_its_column(columns):
    for column in columns:
        assert max(map(len, column.lines(column.least).split("\n"))) <= column.least


def test_columns_leave_in_the_order_that_was_asked():
    columns = [Column(name, name, ("1" * 10,)) for name in ("variant", "params", "macs", "macs_over_a", "lr")]
    kept = [[column.name for column in fitting(columns, width, ("macs", "macs_over_"))] for width in (47, 40, 30, 10)]
    assert kept == [
        ["variant", "params", "macs_over_a", "lr"],
        ["variant", "params", "lr"],
        ["variant", "params"],
        ["variant"],
    ]


def test_long_text_is_folded_and_numbers_are_not(capsys):
    columns = [
        Column("variant", "variant", ("a",)),
        Column("why", "why", ("word " * 20,)),
        Column("n", "n", ("1234567",)),
    ]
    tables.print_columns(columns, 50)
    printed = capsys.readouterr().out.splitlines()
    assert max(map(len, printed)) <= 50
    assert sum("word" in line for line in printed) > 3
    assert sum("1234567" in line for line in printed) == 1


def test_the_width_is_80_where_no_terminal_tells(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.__stdout__", None)
    assert tables.terminal_width() == 80
    monkeypatch.setenv("COLUMNS", "123")
    assert tables.terminal_width() == 123


ROWS = [["a", 1, 22222, "x"], ["bb", "", "é", ""], ["日本", 5, 6, "a longer text"]]


@pytest.mark.parametrize("title", ["", "a title"])
def test_a_long_table_looks_as_a_short_one(title, monkeypatch, capsys):
    tables.grid(title, ["one", "two three", "n", ""], ROWS, ["n"])
    short = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    monkeypatch.setattr(tables, "_LONG", 2)
    tables.grid(title, ["one", "two three", "n", ""], iter(ROWS), ["n"])
    assert capsys.readouterr().out.splitlines() == short


def test_long_columns_look_as_short_ones(monkeypatch, capsys):
    columns = [Column("a", "variant", ("x", "yy", "é日")), Column("b", "test accuracy", ("1", "22", ""), True)]
    tables.print_columns(columns, 80)
    short = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    monkeypatch.setattr(tables, "_LONG", 2)
    tables.print_columns(columns, 80)
    assert capsys.readouterr().out.splitlines() == short


def test_markdown_renders_as_one_table():
    from markdown_it import MarkdownIt

    page = MarkdownIt().enable("table").render(tables.written(FRAME, "markdown"))
    assert (page.count("<table>"), page.count("<p>")) == (1, 0)
    assert page.count("<td") == FRAME.size
    assert page.count("<th") - page.count("<thead") == len(FRAME.columns)


def test_latex_rows_have_a_cell_for_each_column():
    begin, *lines, end = tables.written(FRAME, "latex").splitlines()
    assert re.fullmatch(rf"\\begin{{tabular}}{{[lr]{{{len(FRAME.columns)}}}}}", begin)
    assert end == r"\end{tabular}"
    rows = [line for line in lines if line not in (r"\toprule", r"\midrule", r"\bottomrule")]
    assert len(rows) == len(FRAME) + 1
    for row in rows:
        assert row.endswith(r" \\")
        assert len(re.findall(r"(?<!\\)&", row)) == len(FRAME.columns) - 1
        assert len(re.findall(r"(?<!\\){", row)) == len(re.findall(r"(?<!\\)}", row))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(tmp_path):
    odd = pd.DataFrame({r"a_b & 50 % #$ {~^} \x": [r"\end{tabular} _ ^ ~ & % $ # { }"], "n": [0.5]})
    table = "\n\n".join(tables.written(frame, "latex") for frame in (FRAME, odd))
    page = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n" + table + "\n\\end{document}\n"
    (tmp_path / "t.tex").write_text(page)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "t.pdf").stat().st_size > 0
