"""The export formats: to add one, write a module here that registers a function, and add its name to the import.

`resnet-lab export --help` lists them in the order of the import. A module imports NumPy and frameworks only inside its
functions.
"""

from . import safetensors, gluon, gluon_symbol, torch, onnx  # isort: skip

__all__ = ["gluon", "gluon_symbol", "onnx", "safetensors", "torch"]
