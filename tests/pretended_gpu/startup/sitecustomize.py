"""Gives a Python process a pretended GPU for all its life, if this folder and the checkout are on PYTHONPATH."""

from tests.pretended_gpu import pretended_gpu

gpu = pretended_gpu()
gpu.__enter__()
