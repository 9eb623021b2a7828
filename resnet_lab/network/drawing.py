"""A network as a picture: stages side by side, in each its blocks with their layers and shortcuts, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from .graph import Graph, show
from .outline import ENTRY, Box, Part, Stage, outline

STYLE = """
.net text{font:11px system-ui,sans-serif;fill:var(--ink,#1b1f24);text-anchor:middle}
.net .name{font-weight:600;font-size:13px;text-anchor:start}.net .fact{fill:var(--muted,#6b7580);text-anchor:start}
.net .frame{fill:none;stroke:var(--muted,#6b7580);stroke-opacity:.45;stroke-dasharray:3 3}
.net .edge{fill:none;stroke:var(--muted,#6b7580);stroke-width:1.4}.net .dot,.net .tip{fill:var(--muted,#6b7580)}
.net .box{fill:var(--kind,#7a828b);stroke:var(--kind,#7a828b);fill-opacity:.15;stroke-width:1.4}
.net .conv{--kind:var(--conv,#0072b2)}.net .dense{--kind:#cc79a7}.net .pool{--kind:#e69f00}.net .sum{--kind:#009e73}
"""
"""The style sheet of a drawing, in the colours of Okabe and Ito (2008), which colour-blind readers can tell apart.

A page that holds drawings may give its own colours as `--ink`, `--muted` and `--conv`.
"""

_DARK = "@media (prefers-color-scheme:dark){.net{--ink:#e6e9ec;--muted:#9aa4ae;--paper:#15181b;--conv:#3d9bdc}}"
_ROW, _LINE, _GAP, _LANE, _LETTER = 20, 13, 14, 13, 6.2
"""Pixels: the height of a box of one line, of a further line, between boxes, of a lane for an edge, of a letter."""


@dataclass(frozen=True)
class Picture:
    """An SVG element and its size in pixels."""

    svg: str
    width: int
    height: int


def draw(graph: Graph, title: str) -> str:
    """Draw a network as the text of an SVG file.

    Args:
        graph: the network.
        title: what is written above it.
    """
    x, pieces, tallest = 16, list[str](), 0
    for stage in outline(graph):
        picture = draw_stage(stage)
        pieces.append(f'<g transform="translate({x},40)">{picture.svg}</g>')
        x, tallest = x + picture.width + 28, max(tallest, picture.height)
    width, height = max(x - 12, round(16 + len(title) * 7.5)), tallest + 56
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="net" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(title)}"><style>{STYLE}{_DARK}</style>'
        f'<rect width="100%" height="100%" style="fill:var(--paper,#fff)"/>'
        f'<text class="name" x="16" y="24">{escape(title)}</text>{"".join(pieces)}</svg>\n'
    )


def draw_stage(stage: Stage) -> Picture:
    """Draw a stage: its name, shape and cost, and its blocks below each other."""
    drawn = [_part(part) for part in stage.parts]
    middle = max(centre for _, centre in drawn)
    macs = "not known" if stage.macs is None else short(stage.macs)
    facts = f"{short(stage.params)} params, {macs} macs"
    pieces = [
        f'<text class="name" x="0" y="12">{escape(stage.name)} → {show(stage.output)}</text>',
        f'<text class="fact" x="0" y="28">{facts}</text>',
    ]
    width = max(len(stage.name + show(stage.output)) * 8 + 24, len(facts) * (_LETTER + 0.6))
    y = 38
    for index, (picture, centre) in enumerate(drawn):
        if index:
            pieces.append(f'<path class="edge" d="M{middle} {y}v{_GAP - 4}"/>{_tip(middle, y + _GAP, "down")}')
            y += _GAP
        pieces.append(f'<g transform="translate({middle - centre},{y})">{picture.svg}</g>')
        y, width = y + picture.height, max(width, middle - centre + picture.width)
    return Picture("".join(pieces), round(width), y)


def short(value: int) -> str:
    """11689512 as '11.7M'."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return str(value)


@dataclass(frozen=True)
class _Place:
    """Where a box lies in its part; `column` 0 holds the longest path."""

    column: int
    left: int
    top: int
    width: int
    height: int

    @property
    def centre(self) -> int:
        return self.left + self.width // 2

    @property
    def bottom(self) -> int:
        return self.top + self.height


def _part(part: Part) -> tuple[Picture, int]:
    """The picture of a block, and where its longest path lies from the left."""
    boxes = part.boxes
    ranks = _ranks(boxes)
    columns = _columns(boxes, ranks)
    skips = _skips(boxes, ranks, columns)
    margin = 10 + _LANE * (1 + max(skips.values(), default=-1))
    head = 18 if part.name else 0
    places = _places(boxes, ranks, columns, margin, head + 20)
    entry = _Place(0, places[columns.index(0)].centre, head + 2, 0, 6)
    pieces = [f'<circle class="dot" cx="{entry.centre}" cy="{entry.top + 3}" r="3"/>']
    for index, box in enumerate(boxes):
        for source in box.inputs:
            start = entry if source == ENTRY else places[source]
            lane = skips.get((source, index))
            pieces.append(_edge(start, places[index], None if lane is None else margin - _LANE * (lane + 1)))
    pieces += [_box(box, place) for box, place in zip(boxes, places, strict=True)]
    right = max([place.left + place.width for place in places] + [round(len(part.name) * _LETTER)]) + 10
    bottom = max(place.bottom for place in places) + 8
    frame = f'<rect class="frame" x=".5" y=".5" width="{right}" height="{bottom}" rx="6"/>'
    name = f'<text class="fact" x="8" y="14">{escape(part.name)}</text>' if part.name else ""
    return Picture(frame + name + "".join(pieces), right + 1, bottom + 1), entry.centre


def _ranks(boxes: Sequence[Box]) -> list[int]:
    """For each box the number of boxes before it on the longest path to it."""
    ranks: list[int] = []
    for box in boxes:
        ranks.append(max((ranks[source] + 1 for source in box.inputs if source != ENTRY), default=0))
    return ranks


def _columns(boxes: Sequence[Box], ranks: Sequence[int]) -> list[int]:
    """For each box its column: 0 on the longest path to the output, and further right for the other paths."""
    columns = [-1] * len(boxes)
    index = len(boxes) - 1
    while index != ENTRY:
        columns[index] = 0
        before = [source for source in boxes[index].inputs if source != ENTRY]
        index = max(before, key=lambda source: ranks[source], default=ENTRY)
    taken = {(0, rank) for rank in range(max(ranks) + 1)}
    for index, box in enumerate(boxes):
        if columns[index] >= 0:
            continue
        before = [columns[source] for source in box.inputs if source != ENTRY and columns[source] > 0]
        column = before[0] if before else 1
        while (column, ranks[index]) in taken:
            column += 1
        columns[index] = column
        taken.add((column, ranks[index]))
    return columns


def _skips(boxes: Sequence[Box], ranks: Sequence[int], columns: Sequence[int]) -> dict[tuple[int, int], int]:
    """The edges that pass by boxes of the longest path, and the lane that each takes on the left."""
    skips: dict[tuple[int, int], int] = {}
    spans: list[tuple[int, int, int]] = []
    for index, box in enumerate(boxes):
        for source in box.inputs:
            start = -1 if source == ENTRY else ranks[source]
            if columns[index] or (source != ENTRY and columns[source]) or ranks[index] - start < 2:
                continue
            lane = 0
            while any(lane == other and start < end and begin < ranks[index] for begin, end, other in spans):
                lane += 1
            skips[source, index] = lane
            spans.append((start, ranks[index], lane))
    return skips


def _places(
    boxes: Sequence[Box], ranks: Sequence[int], columns: Sequence[int], margin: int, top: int
) -> Sequence[_Place]:
    """Where the boxes lie: equal ranks in a row, equal columns below each other."""
    heights: Mapping[int, int] = {
        rank: max(_height(box) for box, own in zip(boxes, ranks, strict=True) if own == rank) for rank in set(ranks)
    }
    widths = {
        column: max(_width(box) for box, own in zip(boxes, columns, strict=True) if own == column)
        for column in set(columns)
    }
    places = []
    for box, rank, column in zip(boxes, ranks, columns, strict=True):
        y = top + sum(heights[before] + _GAP for before in range(rank))
        left = margin + sum(widths[before] + _GAP for before in sorted(widths) if before < column)
        width = _width(box)
        shift = (widths[column] - width) // 2
        places.append(_Place(column, left + shift, y + (heights[rank] - _height(box)) // 2, width, _height(box)))
    return places


def _height(box: Box) -> int:
    return _ROW + _LINE * (len(box.lines) - 1)


def _width(box: Box) -> int:
    return max(34, 2 * round(max(map(len, box.lines)) * _LETTER / 2 + 7))


def _box(box: Box, place: _Place) -> str:
    texts = [
        f'<text x="{place.centre}" y="{place.top + 14 + _LINE * number}">{escape(line)}</text>'
        for number, line in enumerate(box.lines)
    ]
    return (
        f'<rect class="box {box.kind}" x="{place.left}" y="{place.top}" width="{place.width}" height="{place.height}" '
        f'rx="{9 if box.kind == "sum" else 3}"/>{"".join(texts)}'
    )


def _edge(start: _Place, end: _Place, lane: int | None) -> str:
    """The line from one box to another, with a tip at its end; `lane` is where it passes the boxes between, if any."""
    x, y, middle = start.centre, start.bottom, end.top + end.height // 2
    if lane is not None:
        begin, turn = y + 3, end.left - 4
        path = f"M{x} {begin - 3}V{begin}H{lane + 5}Q{lane} {begin} {lane} {begin + 5}"
        path += f"V{middle - 5}Q{lane} {middle} {lane + 5} {middle}H{turn}"
        return f'<path class="edge" d="{path}"/>{_tip(end.left, middle, "right")}'
    if start.column > end.column:
        path = f"M{x} {y}V{middle - 5}Q{x} {middle} {x - 5} {middle}H{end.left + end.width + 4}"
        return f'<path class="edge" d="{path}"/>{_tip(end.left + end.width, middle, "left")}'
    if start.column == end.column:
        return f'<path class="edge" d="M{x} {y}V{end.top - 4}"/>{_tip(x, end.top, "down")}'
    begin = y + 3
    path = f"M{x} {begin - 3}V{begin}H{end.centre - 5}Q{end.centre} {begin} {end.centre} {begin + 5}V{end.top - 4}"
    return f'<path class="edge" d="{path}"/>{_tip(end.centre, end.top, "down")}'


def _tip(x: int, y: int, to: str) -> str:
    """The tip of an arrow that points down, left or right to a point."""
    sides = {"down": "l-3.5 -6h7z", "right": "l-6 -3.5v7z", "left": "l6 -3.5v7z"}
    return f'<path class="tip" d="M{x} {y}{sides[to]}"/>'
