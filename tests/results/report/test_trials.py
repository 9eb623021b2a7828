"""The table of trials as JSON for the page's script."""

import json

from resnet_lab.results.report.contents import gather
from resnet_lab.results.report.sections import trials


def columns(contents):
    return {column["name"]: column for column in json.loads(trials.context(contents)["json"])}


def test_each_column_has_a_value_for_each_trial(contents):
    found = columns(contents)
    assert {len(column["values"]) for column in found.values()} == {12}
    assert found["test_accuracy"]["values"][:2] == [0.9, 0.92]
    assert found["variant"]["words"][found["variant"]["values"][1]] == "cifar_resnet20_v2"
    assert found["params"]["kind"] == "count"
    assert found["test_accuracy"]["kind"] == "share"


def test_columns_that_say_nothing_are_left_out(contents):
    found = columns(contents)
    assert "latency_ms" not in found
    assert "setting" not in found
    assert not found["trial"]["shown"]


def test_missing_and_infinite_figures_are_null(folder):
    folder.put("a", 0, test_accuracy=float("inf"))
    folder.put("a", 1, test_accuracy=0.1234567)
    folder.put("a", 2)
    folder.store()
    assert columns(gather([folder.path]))["test_accuracy"]["values"] == [None, 0.123457, None]


def test_no_text_ends_the_script(folder):
    folder.put("</script>", 0)
    folder.store()
    assert "</" not in trials.context(gather([folder.path]))["json"]
