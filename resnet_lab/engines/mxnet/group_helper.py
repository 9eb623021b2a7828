"""The scheduler or the server of MXNet's distributed kvstore, in a process of its own (group.py)."""

from __future__ import annotations

import importlib

from ...base import child_process


def main() -> int:
    """Be the scheduler or the server, as the variable DMLC_ROLE says, until the parent ends."""
    child_process.receive()
    importlib.import_module("mxnet")  # MXNet runs the scheduler or the server while it is imported.
    return 0
