"""The block registry and the built-in blocks, shortcuts and stems."""

from . import basic, bottleneck, preactivation
from .registry import BLOCKS, Block, block

__all__ = ["BLOCKS", "Block", "basic", "block", "bottleneck", "preactivation"]
