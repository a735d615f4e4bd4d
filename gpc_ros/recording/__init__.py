"""Bags: recording, reading, the report and the video of a run."""
