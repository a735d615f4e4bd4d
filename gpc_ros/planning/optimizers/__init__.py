"""Sampling-based optimizers of a spline, one a file."""
