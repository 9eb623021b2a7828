"""The figures of a comparison; what they look like was looked at by eye."""

import pytest

from resnet_lab import LabError
from resnet_lab.base import figures
from resnet_lab.results.plots import draw

pytest.importorskip("matplotlib")


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """`drawn(kind, folder, ...)` gives the axes of a figure, and checks that its file is there."""
    kept = []
    save = figures.save

    def keep(made, path):
        kept.append(made)
        save(made, path)

    monkeypatch.setattr(figures, "save", keep)

    def call(kind, folder, suffix=".png", **options):
        draw(kind, tmp_path / f"a{suffix}", folder.table(), [folder.path], **options)
        assert (tmp_path / f"a{suffix}").stat().st_size > 1000
        return kept[-1].axes[0]

    return call


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_front_is_named_and_drawn_as_steps(sweep_of_three, drawn, suffix):
    axes = drawn("front", sweep_of_three, suffix)
    assert [text.get_text() for text in axes.texts] == ["big", "small"]
    steps = next(line for line in axes.lines if line.get_drawstyle() == "steps-post")
    assert steps.get_xdata().tolist() == [1000, 3000]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["small", "poor", "big"]


@pytest.fixture
def sweep_of_three(folder):
    """Three variants with two seeds each; the middle one costs more than the first and is worse."""
    for variant, macs, accuracy in (("small", 1000, 0.7), ("poor", 2000, 0.6), ("big", 3000, 0.9)):
        for seed in (0, 1):
            folder.put(variant, seed, macs=macs, test_accuracy=accuracy + seed / 100, train_images_per_s=1e3 / macs)
    folder.store()
    return folder


def test_a_front_over_a_speed_turns_its_steps(sweep_of_three, drawn):
    axes = drawn("front", sweep_of_three, pareto="test_accuracy,train_images_per_s")
    assert [line for line in axes.lines if line.get_drawstyle() == "steps-pre"]
    assert axes.get_xlabel() == "train images/s"


def test_curves_have_a_line_for_each_setting(sweep_of_three, drawn):
    axes = drawn("curves", sweep_of_three)
    assert [line.get_ydata().tolist() for line in axes.lines] == [[2.0, 1.0]] * 3
    assert axes.get_ylabel().startswith("train loss")


def test_a_trial_that_was_stopped_early_is_a_grey_curve_that_ends_early(sweep_of_three, drawn):
    sweep_of_three.put("poor", 2, "stopped", epochs=(3.0,))
    axes = drawn("curves", sweep_of_three)
    assert [line.get_ydata().tolist() for line in axes.lines][-1] == [3.0]
    assert axes.get_legend().get_texts()[-1].get_text() == "stopped early (1)"


def test_bars_have_the_interval_of_the_mean(sweep_of_three, drawn):
    axes = drawn("bars", sweep_of_three, metric="test_accuracy")
    labels = {tick.get_text(): text.get_text() for tick, text in zip(axes.get_yticklabels(), axes.texts, strict=True)}
    assert labels["big"] == "0.9050 ± 0.0635"  # 12.706 * 0.00707 / sqrt(2)
    assert len(axes.patches) == 3
    assert axes.get_xlim()[0] == 0


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("front", {"pareto": "test_accuracy,-macs,-params"}, "a front is drawn over two columns"),
        ("front", {"pareto": "test_accuracy,-seed"}, "'seed' is none of those of the table"),
        ("curves", {"metric": "test_acc"}, "unknown column of epochs.csv 'test_acc'"),
        ("bars", {"metric": "test_acuracy"}, "unknown measurement 'test_acuracy'; did you mean 'test_accuracy'?"),
        ("bars", {"where": "macs > 1e9"}, "no trial ended ok"),
    ],
)
def test_what_cannot_be_drawn_is_said(sweep_of_three, drawn, kind, options, message):
    with pytest.raises(LabError, match=message.replace("?", r"\?")):
        drawn(kind, sweep_of_three, **options)
