"""What the tests of specs share: files of a workspace."""

import textwrap
from pathlib import Path

from resnet_lab.specs.matching import Matched, MatchSpec, match
from resnet_lab.specs.variant import load


def write(folder: Path, name: str, text: str) -> Path:
    """Write a variant into a workspace."""
    path = folder / "variants" / name
    path.write_text(textwrap.dedent(text).lstrip("\n"))
    return path


BLOCK = """
from resnet_lab import block
from resnet_lab.ops import conv, norm, relu


@block("mine")
def mine(x, channels, stride, shortcut{options}):
    return relu(norm(conv(x, channels, 3, stride)) + shortcut(x))
"""


def matched(baseline: str, overrides: dict, what: str = "macs", by: str = "width", **options) -> Matched:
    """A baseline with overrides, matched to the baseline with ten classes."""
    against = load(baseline)
    spec = MatchSpec(what=what, by=by)
    return match(load(baseline, overrides), against.graph(classes=10), spec, tuple(against.spec.input), 10, **options)
