"""Shared building blocks without ROS: arrays, errors, configuration, geometry, files."""
