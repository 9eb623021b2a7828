"""The image decoders, one file each; they register themselves."""

from . import fast, pillow

__all__ = ["fast", "pillow"]
