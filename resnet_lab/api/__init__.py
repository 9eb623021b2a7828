"""The Python face: the functions of the command line for notebooks and programs."""

from .experiments import run, status, try_block
from .networks import build, evaluate, export, graph, predict, read_weights, variant
from .speed import bench, calibrate, predict_cost
from .tables import compare, edf, report, verdicts

__all__ = [
    "bench",
    "build",
    "calibrate",
    "compare",
    "edf",
    "evaluate",
    "export",
    "graph",
    "predict",
    "predict_cost",
    "read_weights",
    "report",
    "run",
    "status",
    "try_block",
    "variant",
    "verdicts",
]
