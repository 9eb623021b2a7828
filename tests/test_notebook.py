"""docs/compare.ipynb: its cells run, in order, from the folder docs/, and print what the notebook shows."""

import json

import pytest

from tests.conftest import ROOT

CELLS = json.loads((ROOT / "docs" / "compare.ipynb").read_text(encoding="utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]


def test_the_cells_run_and_give_what_is_shown(monkeypatch):
    plots = pytest.importorskip("matplotlib")
    plots.use("Agg")
    from matplotlib import pyplot

    monkeypatch.chdir(ROOT / "docs")
    monkeypatch.setattr(pyplot, "show", lambda: None)
    space: dict = {}
    drawn = 0
    for cell in CODE:
        *body, last = "".join(cell["source"]).split("\n")
        exec("\n".join(body), space)
        value = eval(last, space)
        for output in cell["outputs"]:
            if "text/plain" in output.get("data", {}):
                assert repr(value) == "".join(output["data"]["text/plain"])
            drawn += "image/png" in output.get("data", {})
    assert [len(axis.get_lines()) for axis in pyplot.gcf().axes] == [2, 2]
    assert drawn == 1
    pyplot.close("all")
