"""Trained networks as files for other programs: one module a format, in `formats/`."""

from . import formats
from .checked import Exported, export
from .registry import FORMATS, Written, export_format

__all__ = ["FORMATS", "Exported", "Written", "export", "export_format", "formats"]
