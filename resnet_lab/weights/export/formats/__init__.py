"""The export formats, in the order in which `resnet-lab export --help` lists them.

To add a format, write a module here that registers a function with `export_format`, and add the module's name to the
list. Every module is imported for `resnet-lab export --help`, so it imports NumPy and frameworks inside its function.
"""

import importlib

_MODULES = ("safetensors", "gluon", "gluon_symbol", "torch", "onnx", "npz")

for _module in _MODULES:
    importlib.import_module(f".{_module}", __name__)
