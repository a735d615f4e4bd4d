"""Generative predictive control of a quadruped: a pure core with thin ROS 2 nodes around it."""

import os

__version__ = "0.2.0"

# The matrices of this package are tiny, and the planner's threads belong to the simulations: with
# two OpenBLAS threads a plan takes half as long again. It has to be set before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
