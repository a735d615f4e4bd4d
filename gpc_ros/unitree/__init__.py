"""Reach a Go2 through Unitree's SDK: messages as arrays, the driver process, an emulated robot.

Only ``dds`` imports the SDK; the other modules are plain Python and are tested without it.
"""
