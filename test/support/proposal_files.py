"""Files of proposals and of shards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from made_proposals import blank, drawn_weights, taught_shard, write

from gpc_ros.training.proposal.shards import path_of, save_shard

WriteProposal = Callable[..., Path]


@pytest.fixture
def write_proposal(tmp_path: Path) -> WriteProposal:
    """Return a function that writes a proposal with random weights and returns its card path."""

    def make(name: str = "made", seed: int = 0, **changes: object) -> Path:
        card = blank(**changes)  # type: ignore[arg-type]
        return write(tmp_path / f"{name}.json", card, drawn_weights(card, seed))

    return make


@pytest.fixture
def taught(tmp_path: Path) -> Path:
    """Return a folder with twelve shards of the synthetic teacher."""
    folder = tmp_path / "shards"
    for seed in range(12):
        save_shard(path_of(folder, seed), taught_shard(seed))
    return folder
