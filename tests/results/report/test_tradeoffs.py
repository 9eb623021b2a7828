"""Accuracy against its price."""

from resnet_lab.results.report.contents import gather
from resnet_lab.results.report.sections import tradeoffs


def test_there_is_a_chart_for_each_measured_cost(contents):
    shown = tradeoffs.context(contents)
    titles = ["multiply-adds", "parameters", "images/s in training"]
    assert len(shown["charts"]) == 3
    assert all(title in chart for title, chart in zip(titles, shown["charts"], strict=True))
    assert "cifar_resnet20_v2: 0.9220 ± 0.0016, 40.8M multiply-adds, 5 seed(s)" in shown["charts"][0]
    assert shown["seeds"]
    assert shown["bars"]


def test_speeds_of_two_places_are_not_drawn(sweep):
    sweep.put("cifar_resnet20", 9, test_accuracy=0.9, train_images_per_s=5.0, processor="another")
    sweep.store()
    shown = tradeoffs.context(gather([sweep.path]))
    assert shown["places"] == ["processor"]
    assert len(shown["charts"]) == 2


def test_settings_that_cannot_be_compared_are_told_apart(sweep, contents):
    assert tradeoffs.context(contents)["differs"] == []
    sweep.put("cifar_resnet20", 9, test_accuracy=0.9, data="mnist", epochs=(1.0,))
    sweep.store()
    assert tradeoffs.context(gather([sweep.path]))["differs"] == ["data"]


def test_without_an_accuracy_there_is_no_section(folder):
    folder.put("a", 0)
    folder.store()
    assert tradeoffs.context(gather([folder.path])) is None
