"""Generative predictive control of a quadruped: a pure core with thin ROS 2 nodes around it."""

__version__ = "0.1.0"
