"""The configuration of the trials."""

from resnet_lab.results.report.contents import gather
from resnet_lab.results.report.sections import configuration


def test_settings_are_apart_by_whether_they_differ(contents):
    shown = configuration.context(contents)
    assert dict(shown["same"])["train.optimizer.lr"] == "0.1"
    assert dict(shown["varied"])["seed"] == "0, 1, 2, 3, 4, 5"
    assert dict(shown["decide"])["smallest"] == "0.01"


def test_many_values_are_counted(grid):
    varied = dict(configuration.context(gather([grid.path]))["varied"])
    assert varied["train.optimizer.lr"].endswith("1.2, and 3 more")
