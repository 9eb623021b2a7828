"""The rehearsed GPU day: every check and measurement that needs a GPU, in one command (docs/gpu.md)."""
