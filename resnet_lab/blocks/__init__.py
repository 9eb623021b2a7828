"""Blocks, shortcuts and stems: the registries, and those of the literature."""

from . import basic, bottleneck, preactivation
from .registry import BLOCKS, Block, block

__all__ = ["BLOCKS", "Block", "basic", "block", "bottleneck", "preactivation"]
