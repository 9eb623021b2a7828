"""Weights in files: reading them, matching their names to a network, and writing them."""
