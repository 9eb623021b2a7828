"""What the tests of specs share: files of a workspace."""

import textwrap
from pathlib import Path


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
