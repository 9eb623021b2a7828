"""Weights in and out: the files of Gluon, PyTorch and ONNX, and the names that each gives to a network's layers."""
