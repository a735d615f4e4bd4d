"""Supervisor and joint limits of the robot: pure functions of inputs and time."""
