"""How the difference of two networks looks on a terminal: `describe A --diff B`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .tables import count, grid

if TYPE_CHECKING:
    from ..specs.difference import Difference

_LAYERS = 12
"""At most this many layers are listed; --layers lists all."""


def show(found: Difference, every_layer: bool) -> None:
    """Print what differs between two networks, from their costs down to their layers."""
    from ..specs.difference import change_text, layer_text

    ours, theirs = found.names
    if found.is_same:
        print(f"{ours} and {theirs} are the same network: every layer is equal")
    numbers = [ours, theirs, "difference", "ratio"]
    grid("", ["", *numbers], [_cost(*item) for item in found.costs.items()], numbers)
    if found.spec:
        rows = [(key, *(_value(one) for one in pair)) for key, pair in found.spec.items()]
        grid("keys of the specs", ["key", ours, theirs], rows)
    if found.stages:
        rows = [
            (one.name, one.blocks[0] or "-", one.blocks[1] or "-", _change(*one.params), _change(*one.macs))
            for one in found.stages
        ]
        grid("stages that differ", ["stage", ours, theirs, "params", "macs"], rows, ["params", "macs"])
    lines = [f"- {node.name}: {layer_text(node)}" for node in found.only[0]]
    lines += [f"+ {node.name}: {layer_text(node)}" for node in found.only[1]]
    lines += [f"~ {one.name}: {change_text(one, other)}" for one, other in found.changed]
    if lines:
        first, second = map(len, found.only)
        print(f"layers: {first} only in {ours} (-), {second} only in {theirs} (+), {len(found.changed)} differ (~)")
        print("\n".join(lines if every_layer else lines[:_LAYERS]))
        if len(lines) > _LAYERS and not every_layer:
            print(f"... and {len(lines) - _LAYERS} more; --layers lists all")


def _cost(name: str, pair: tuple[Any, Any]) -> tuple[str, ...]:
    ratio = f"{pair[1] / pair[0]:.3f}" if pair[0] and pair[1] is not None else "-"
    return name, count(pair[0]), count(pair[1]), _change(*pair), ratio


def _change(ours: int | None, theirs: int | None) -> str:
    return "not known" if ours is None or theirs is None else f"{theirs - ours:+,}" if theirs != ours else "="


def _value(value: object) -> str:
    return "-" if value is None else str(value)
