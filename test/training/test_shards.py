"""Shards are read back as written, and damaged files are rejected."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpc_ros.common.errors import DataError
from gpc_ros.training.proposal.shards import Shard, load_folder, load_shard, path_of, save_shard


def shard(seed: int = 3, plans: int = 5) -> Shard:
    rng = np.random.default_rng(seed)
    return Shard(
        {"seed": seed, "success": True, "words": "ü"},
        time=0.1 * np.arange(plans, dtype=np.float64),
        observation=rng.normal(size=(plans, 14)),
        goal=rng.normal(size=(plans, 3)),
        nominal=rng.normal(size=(plans, 4, 3)),
        mean=rng.normal(size=(plans, 4, 3)),
        best=rng.normal(size=(plans, 4, 3)),
        elites=np.full((plans, 8, 4, 3), np.nan),
        elite_costs=rng.normal(size=(plans, 8)),
        nominal_cost=rng.normal(size=plans),
    )


@pytest.mark.parametrize("plans", [0, 1, 5])
def test_written_shards_are_read_back(tmp_path: Path, plans: int) -> None:
    written = shard(plans=plans)
    save_shard(tmp_path / "a.npz", written)
    read = load_shard(tmp_path / "a.npz")
    assert read.meta == written.meta
    assert len(read) == plans
    for f in fields(Shard):
        if f.name != "meta":
            np.testing.assert_array_equal(getattr(read, f.name), getattr(written, f.name))


def test_the_same_shard_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        save_shard(tmp_path / name, shard())
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_a_damaged_shard_is_named_or_reads_unchanged(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a.npz"
    save_shard(path, shard())
    whole = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        del whole[at:]
    else:
        whole[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    try:
        read = load_shard(path)
    except DataError as error:
        assert str(path) in str(error)
    else:  # unused bytes of the archive, such as the date of a file
        np.testing.assert_array_equal(read.best, shard().best)
        assert read.meta == shard().meta


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, meta=np.array([{"seed": 1}], dtype=object))
    with pytest.raises(DataError, match=r"a\.npz: is damaged or not a shard"):
        load_shard(path)


def test_a_folder_names_what_it_skips(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        save_shard(path_of(tmp_path, seed), shard(seed))
    path_of(tmp_path, 2).write_bytes(b"cut")
    save_shard(path_of(tmp_path, 9), Shard({"success": True}))
    (tmp_path / "notes.txt").write_text("mine")
    found = load_folder(tmp_path)
    assert sorted(found.shards) == [1, 3]
    assert found.plans == 10
    assert len(found.problems) == 2
    assert "seed_00000002.npz" in found.problems[0]
    assert "has no seed" in found.problems[1]
