"""Charts as SVG: points with a Pareto front, curves with bands, and intervals.

Colours are those of Okabe and Ito (2008); a variant is also known by the shape of its points and the dashes of its
curves, so that no chart needs colour to be read. The style sheet of the page gives the colours c0 to c6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS, SHAPES = 7, 4
STOPPED = -1
"""The style of a trial that was stopped early: a thin grey line without a mark, behind the others."""

_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 12, 42
_NAMED = 1000
"""With more points than this, those that are not on the front become one path without names, to keep the file small."""

BARS = 60
"""With more points than this, the bars of their standard deviations would hide the points."""


@dataclass(frozen=True)
class Point:
    """A point of a chart.

    Attributes:
        x: the cost, or the speed.
        y: the accuracy.
        spread: the standard deviation of y; 0 where it is not known.
        style: which colour and shape the point has.
        name: the name of the setting.
        title: what is shown when the pointer rests on the point.
    """

    x: float
    y: float
    spread: float
    style: int
    name: str
    title: str


@dataclass(frozen=True)
class Curve:
    """A curve over epochs, with the smallest and the largest value over the seeds."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    style: int
    name: str


@dataclass(frozen=True)
class _Axis:
    """Maps values to pixels, in proportion or by their logarithms; `whole` values have ticks at whole numbers alone."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    whole: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return round(self.start + (value - low) / (high - low) * (self.end - self.start), 1)

    @property
    def step(self) -> float:
        """The distance between two ticks of a scale in proportion: 1, 2, 2.5 or 5 times a power of ten."""
        rough = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
        return max(1.0, float(round(step))) if self.whole else step

    @property
    def ticks(self) -> list[float]:
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            powers = range(first, last + 1)
            several = [[step * 10.0**power for power in powers for step in steps] for steps in ((1, 2, 5), (1,))]
            dense, sparse = ([tick for tick in ticks if self.low <= tick <= self.high] for ticks in several)
            return dense if len(dense) <= 7 else sparse
        first = math.ceil(self.low / self.step - 1e-9)
        return [round(index * self.step, 10) for index in range(first, math.floor(self.high / self.step + 1e-9) + 1)]

    def written(self, tick: float) -> str:
        """A tick as text, with as many decimals as it takes to tell it from the next: 37.05M."""
        size, letter = next(((s, n) for s, n in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if abs(tick) >= s), (1.0, ""))
        if self.log:
            return f"{tick / size:g}{letter}"
        decimals = max(0, -math.floor(math.log10(self.step / size) + 1e-9))
        decimals += self.step / size * 10**decimals % 1 > 1e-9  # a step of 2.5 needs one more
        return f"{tick / size:.{decimals}f}{letter}"


_LEAST = 1e-100
"""A smaller extent of an axis counts as none: its ticks would need more decimals than a number can have."""


def _axis(values: Sequence[float], start: float, end: float, log: bool = False, whole: bool = False) -> _Axis:
    low, high = min(values), max(values)
    if log:
        return _Axis(low / 1.15, high * 1.15, start, end, log=True)
    room = next(room for room in ((high - low) * 0.06, abs(high) * 0.05, 1.0) if room > _LEAST)
    return _Axis(low - room, high + room, start, end, whole=whole)


def front(points: Sequence[Point], less_is_better: bool) -> list[Point]:
    """The points that no other one beats in both directions, in rising order of x."""
    best, kept = -math.inf, []
    for point in sorted(points, key=lambda point: (point.x if less_is_better else -point.x, -point.y)):
        if point.y > best:
            best = point.y
            kept.append(point)
    return sorted(kept, key=lambda point: point.x)


def scatter(points: Sequence[Point], x_title: str, y_title: str, less_is_better: bool) -> str:
    """Draw points and their Pareto front.

    Args:
        points: at least one point.
        x_title: what x is.
        y_title: what y is; a larger value is better.
        less_is_better: whether a smaller x is better.
    """
    xs, ys = [point.x for point in points], [point.y + sign * point.spread for point in points for sign in (-1, 1)]
    x = _axis(xs, _LEFT, _WIDTH - _RIGHT, log=min(xs) > 0 and max(xs) > 8 * min(xs))
    y = _axis(ys, _HEIGHT - _BOTTOM, _TOP)
    best = front(points, less_is_better)
    pieces = [_frame(x, y, x_title, y_title), _steps(best, x, y, less_is_better)]
    named = list(points) if len(points) <= _NAMED else best
    pieces += _crowd([point for point in points if point not in set(named)], x, y)
    for point in named:
        bar = ""
        if point.spread and len(points) <= BARS:
            bar = f'<path class="bar" d="M{x(point.x)} {y(point.y - point.spread)}V{y(point.y + point.spread)}"/>'
        mark = shape(point.style, x(point.x), y(point.y))
        pieces.append(f'<g class="c{point.style % COLOURS}">{bar}{mark}<title>{escape(point.title)}</title></g>')
    pieces += _names(best, x, y)
    return _svg(pieces, f"{y_title} against {x_title}")


def _crowd(points: Sequence[Point], x: _Axis, y: _Axis) -> list[str]:
    """Many points as one path for each colour."""
    marks: dict[int, list[str]] = {}
    for point in points:
        marks.setdefault(point.style % COLOURS, []).append(f"M{x(point.x):g} {y(point.y):g}h0")
    return [f'<path class="crowd c{colour}" d="{"".join(parts)}"/>' for colour, parts in marks.items()]


def _steps(best: Sequence[Point], x: _Axis, y: _Axis, less_is_better: bool) -> str:
    """The front as steps: between two of its points, the accuracy that the cost of the cheaper one buys."""
    path = f"M{x(best[0].x)} {y(best[0].y)}"
    for point in best[1:]:
        path += (f"H{x(point.x)}V{y(point.y)}") if less_is_better else (f"V{y(point.y)}H{x(point.x)}")
    return f'<path class="front" d="{path}"/>'


def _names(best: Sequence[Point], x: _Axis, y: _Axis) -> list[str]:
    """Names beside the points of the front, as far as they do not overlap."""
    taken: list[tuple[float, float, float]] = []
    pieces = []
    for point in reversed(best):
        left, top, width = x(point.x) + 8, y(point.y) - 5, len(point.name) * 6.3
        anchor = ""
        if left + width > _WIDTH - 2:
            left, anchor = left - 16 - width, ' text-anchor="end"'
        if left < _LEFT or any(
            left < end and start < left + width and abs(top - other) < 13 for start, end, other in taken
        ):
            continue
        taken.append((left, left + width, top))
        at = left + width if anchor else left
        pieces.append(f'<text class="name" x="{at:.0f}" y="{top:.0f}"{anchor}>{escape(point.name)}</text>')
    return pieces


def curves(lines: Sequence[Curve], y_title: str) -> str:
    """Draw curves over epochs, each with the band between the smallest and the largest value over the seeds."""
    x = _axis([value for line in lines for value in line.x], _LEFT, _WIDTH - _RIGHT, whole=True)
    y = _axis([value for line in lines for value in (*line.low, *line.high)], _HEIGHT - _BOTTOM, _TOP)
    pieces = [_frame(x, y, "epoch", y_title)]
    for line in sorted(lines, key=lambda line: line.style != STOPPED):
        upper = [f"{x(at)} {y(value)}" for at, value in zip(line.x, line.high, strict=True)]
        lower = [f"{x(at)} {y(value)}" for at, value in zip(line.x, line.low, strict=True)]
        band = f'<path class="band" d="M{"L".join(upper)}L{"L".join(reversed(lower))}Z"/>' if upper != lower else ""
        path = "L".join(f"{x(at)} {y(value)}" for at, value in zip(line.x, line.y, strict=True))
        dash = f"d{line.style % SHAPES}"
        end = shape(line.style, x(line.x[-1]), y(line.y[-1]))
        pieces.append(
            f'<g class="{_class(line.style)}">{band}<path class="line {dash}" d="M{path}"/>{end}'
            f"<title>{escape(line.name)}</title></g>"
        )
    return _svg(pieces, f"{y_title} over the epochs")


def interval(low: float, middle: float, high: float, reach: float, smallest: float | None) -> str:
    """Draw a difference with its interval beside the line of zero; `reach` is the largest value of the scale."""
    x = _Axis(-reach, reach, 4, 156)
    clipped = [min(max(value, -reach), reach) for value in (low, high)]
    matter = ""
    if smallest is not None and smallest < reach:
        matter = f'<rect class="matter" x="{x(-smallest)}" y="1" width="{x(smallest) - x(-smallest):.1f}" height="18"/>'
    return (
        f'<svg class="interval" viewBox="0 0 160 20" width="160" height="20" role="img" aria-label="{middle:+.4g}">'
        f'{matter}<path class="zero" d="M{x(0)} 1v18"/><path class="reach" d="M{x(clipped[0])} 10H{x(clipped[1])}"/>'
        f'<circle cx="{x(min(max(middle, -reach), reach))}" cy="10" r="4"/></svg>'
    )


def _class(style: int) -> str:
    return "stopped" if style == STOPPED else f"c{style % COLOURS}"


def shape(style: int, x: float, y: float) -> str:
    """The mark of a style at a point: a circle, a square, a triangle or a diamond; a stroke where a trial stopped."""
    if style == STOPPED:
        return f'<path class="line" d="M{x:g} {y - 3:g}v6"/>'
    marks = (
        f'<circle cx="{x:g}" cy="{y:g}" r="4.5"/>',
        f'<path d="M{x - 4:g} {y - 4:g}h8v8h-8z"/>',
        f'<path d="M{x:g} {y - 5.2:g}l5 8.8h-10z"/>',
        f'<path d="M{x:g} {y - 5.5:g}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"/>',
    )
    return marks[style % SHAPES]


def swatch(style: int) -> str:
    """The mark of a style for a legend."""
    line = f'<path class="line d{style % SHAPES}" d="M0 7H26"/>'
    mark = shape(style, 13, 7)
    return f'<svg class="swatch {_class(style)}" viewBox="0 0 26 14" width="26" height="14">{line}{mark}</svg>'


def _frame(x: _Axis, y: _Axis, x_title: str, y_title: str) -> str:
    """The axes, their ticks and titles."""
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    pieces = []
    for tick in y.ticks:
        pieces.append(f'<path class="grid" d="M{_LEFT} {y(tick)}H{right}"/>')
        pieces.append(f'<text x="{_LEFT - 6}" y="{y(tick) + 4:g}" text-anchor="end">{y.written(tick)}</text>')
    for tick in x.ticks:
        pieces.append(f'<path class="grid" d="M{x(tick)} {bottom}v4"/>')
        pieces.append(f'<text x="{x(tick)}" y="{bottom + 17}" text-anchor="middle">{x.written(tick)}</text>')
    pieces.append(f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>')
    middle = (_LEFT + right) / 2
    pieces.append(f'<text class="title" x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x_title)}</text>')
    pieces.append(
        f'<text class="title" transform="translate(12,{(_TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_title)}</text>"
    )
    return "".join(pieces)


def _svg(pieces: Sequence[str], label: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(pieces)}</svg>"
    )
