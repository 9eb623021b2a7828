"""Figures: where one can be drawn, and the messages where it cannot."""

import importlib.util

import pytest

from resnet_lab import LabError
from resnet_lab.base import figures


def test_a_figure_is_drawn_into_a_file(tmp_path):
    pytest.importorskip("matplotlib")
    figures.check(tmp_path / "plot.png")
    figures.save(figures.figure(2, 1), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["plot", "absent/plot.png", "folder.png"])
def test_a_path_that_names_no_file(tmp_path, name):
    pytest.importorskip("matplotlib")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(LabError, match=r"names no file for a plot: name a file with a suffix such as .png"):
        figures.check(tmp_path / name)


def test_a_suffix_that_matplotlib_does_not_know(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(LabError, match=r"plot.nothing: the plot cannot be written"):
        figures.save(figures.figure(2, 1), tmp_path / "plot.nothing")


def test_without_matplotlib_the_message_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LabError, match=r"matplotlib, which is not installed: pip install 'resnet-lab\[plot\]'"):
        figures.check(tmp_path / "plot.png")
