"""The part of each variant."""

from resnet_lab.results.report.contents import gather
from resnet_lab.results.report.sections import variants


def test_a_variant_has_facts_figures_and_its_network(contents):
    shown = variants.context(contents)
    first, second = shown["parts"]
    assert ("parameters", "269,722") in first["facts"]
    assert first["settings"] == [["cifar_resnet20", "6", "0.9025 ± 0.0019", "100.0 ± 0.0", "10.0 ± 0.0"]]
    assert len(first["stages"]) == 5  # stem, three stages, head
    assert second["reasons"] == ["failed: why"]
    assert shown["open"]


def test_without_folders_nothing_is_drawn(sweep):
    shown = variants.context(gather([sweep.path / "trials.csv"]))
    assert [part["stages"] for part in shown["parts"]] == [[], []]


def test_large_figures_are_short(folder):
    for seed in (0, 1):
        folder.put("a", seed, test_accuracy=0.5, train_images_per_s=123_456.0 + seed)
    folder.store()
    [part] = variants.context(gather([folder.path]))["parts"]
    assert part["settings"] == [["a", "2", "0.5000 ± 0.0000", "123k"]]
