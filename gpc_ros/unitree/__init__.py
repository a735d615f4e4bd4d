"""The Go2 as Unitree's SDK shows it: its messages as arrays, the driver process, an emulated robot.

Only ``dds`` imports the SDK; everything else is plain Python and is tested without it.
"""
