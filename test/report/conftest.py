"""Fixtures with synthetic bags and runs."""

from recorded_runs import _encoded, made_run, message_of, pose, pose_bag

__all__ = ["_encoded", "made_run", "message_of", "pose", "pose_bag"]
