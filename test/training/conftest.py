"""Fixtures of proposal files and shards."""

from proposal_files import taught, write_proposal

__all__ = ["taught", "write_proposal"]
