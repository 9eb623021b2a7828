"""Charts: the Pareto front, ticks, and SVG that parses."""

import xml.etree.ElementTree as tree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resnet_lab.results.report import charts
from resnet_lab.results.report.charts import Curve, Point, front


def point(x, y, name="a", spread=0.0):
    return Point(x, y, spread, 0, name, f"{name} <at> {x}")


numbers = st.floats(0.01, 1e9)
points = st.lists(st.builds(point, numbers, st.floats(0, 1)), min_size=1, max_size=30)


@given(points, st.booleans())
def test_the_front_holds_what_no_other_point_beats(several, less):
    best = front(several, less)

    def beats(one, other):
        cheaper = one.x <= other.x if less else one.x >= other.x
        return cheaper and one.y >= other.y and (one.x, one.y) != (other.x, other.y)

    unbeaten = {(p.x, p.y) for p in several if not any(beats(other, p) for other in several)}
    assert {(p.x, p.y) for p in best} == unbeaten
    assert [p.x for p in best] == sorted(p.x for p in best)


@given(points, st.booleans())
@example([point(1.0, 0.0), point(2.0, 1e-310)], True)
def test_a_scatter_is_xml_with_finite_numbers(several, less):
    svg = charts.scatter(several, "cost", "accuracy", less)
    titles = [element.text for element in tree.fromstring(svg).iter("title")]
    assert len(titles) == len(several)
    assert "nan" not in svg
    assert "inf" not in svg


def test_many_points_become_one_path():
    several = [point(float(n + 1), 1 / (n + 2), f"p{n}") for n in range(5000)]
    svg = charts.scatter([*several, point(9000.0, 0.9, "best")], "cost", "accuracy", True)
    assert len(svg) < 150_000
    assert [element.text for element in tree.fromstring(svg).iter("title")] == ["p0 <at> 1.0", "best <at> 9000.0"]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (37.01e6, 37.11e6, ["37.025M", "37.050M", "37.075M", "37.100M"]),
        (0.0, 1.0, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (90.0, 2100.0, ["0", "500", "1.0k", "1.5k", "2.0k"]),
    ],
)
def test_ticks_can_be_told_apart(low, high, texts):
    axis = charts._axis([low, high], 0, 100)
    written = [axis.written(tick) for tick in axis.ticks]
    assert written == texts


@pytest.mark.parametrize(
    ("low", "texts"), [(50, ["50", "100", "200", "500", "1k", "2k"]), (0.02, ["0.1", "1", "10", "100", "1k"])]
)
def test_ticks_of_logarithms(low, texts):
    axis = charts._axis([low, 2100.0], 0, 100, log=True)
    assert [axis.written(tick) for tick in axis.ticks] == texts


@given(st.integers(1, 300), st.integers(1, 300))
def test_epochs_have_whole_ticks(first, length):
    axis = charts._axis([first, first + length], 0, 100, whole=True)
    assert axis.ticks
    assert all(tick == int(tick) for tick in axis.ticks)
    assert len(axis.ticks) <= 6


def test_curves_have_a_band_where_seeds_differ():
    same = Curve([1, 2], [3.0, 2.0], [3.0, 2.0], [3.0, 2.0], 0, "one seed")
    wide = Curve([1, 2], [3.0, 2.0], [2.5, 1.5], [3.5, 2.5], 1, "two seeds")
    assert charts.curves([same, wide], "loss").count('class="band"') == 1
    assert tree.fromstring(charts.curves([Curve([1], [2.0], [2.0], [2.0], 0, "one epoch")], "loss")) is not None


def test_an_interval_without_ends_fills_the_scale():
    inf = float("inf")
    svg = charts.interval(-inf, 0.1, inf, 0.2, 0.05)
    assert 'd="M4.0 10H156.0"' in svg
    assert 'class="matter"' in svg
    assert "inf" not in svg
