"""Trackers: other programs that show a sweep while it runs. The tables of the results folder stay the record.

To add a tracker, write a module here that registers a class with `tracker`, and add the module's name to the list. The
modules are imported when an experiment names a tracker, so they import their packages inside their methods.
"""

import importlib

from .feed import Feed
from .registry import TRACKERS, TrackedTrial, Tracker, maker, tracker

__all__ = ["TRACKERS", "Feed", "TrackedTrial", "Tracker", "maker", "tracker"]

_MODULES = ("tensorboard", "mlflow", "trackio")

for _module in _MODULES:
    importlib.import_module(f".{_module}", __name__)
