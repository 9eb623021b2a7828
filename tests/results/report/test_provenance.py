"""Where the figures come from."""

from resnet_lab.results.report.sections import provenance


def test_folders_places_and_times_are_named(contents):
    rows = dict(provenance.context(contents)["rows"])
    assert rows["results"] == str(contents.paths[0])
    assert rows["device"] == "cpu"
    assert rows["trials began"] == "2026-01-01T00:00:01Z to 2026-01-01T00:00:12Z"
    assert rows["this page"].startswith("resnet-lab ")
