"""Collection on a cluster with a worker killed midway: no episode is lost or repeated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gpc_ros.cli.main import main
from gpc_ros.common.errors import ConfigError
from gpc_ros.evaluation.ray_pool import run_jobs_on_ray

# A separate process, because Ray starts threads and signal handlers.
_SCRIPT = """
import json, sys
from pathlib import Path
from ray.cluster_utils import Cluster
from gpc_ros.evaluation.lockstep import EpisodeConfig
from gpc_ros.planning.planner import PlannerConfig
from gpc_ros.training.proposal.collection import CollectConfig, Collection, collect

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    head = {"num_cpus": 0, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    workers = [cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)]
    planner = PlannerConfig(num_rollouts=4, horizon=0.4, knots=2)
    episode = EpisodeConfig(task="navigate", duration=0.5, planner=planner)
    seen = []

    def on_result(result):
        seen.append(result.seed)
        if len(seen) == 2:  # both are at work now
            cluster.remove_node(workers[0], allow_graceful=False)

    collection = Collection(CollectConfig(episode, keep_failures=True))
    done = collect(collection, range(8), folder, on_result=on_result, ray=cluster.address)
    print(json.dumps({"seen": seen, "done": [r.seed for r in done]}))
    cluster.shutdown()
"""


@pytest.mark.integration
def test_a_killed_worker_neither_loses_nor_repeats_episodes(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs make training")
    script = tmp_path / "cluster.py"
    script.write_text(_SCRIPT)
    ran = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "shards")],
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert sorted(found["seen"]) == list(range(8))
    names = sorted(path.name for path in (tmp_path / "shards").iterdir())
    assert names == [f"seed_{seed:08d}.npz" for seed in range(8)]
    # The same command finds nothing left to run, so that it needs no cluster.
    common = [
        "collect", "navigate", "--episodes", "8", "--first-seed", "0", "--processes", "1",
        "--out", str(tmp_path / "shards"), "--set", "keep_failures=true",
    ]  # fmt: skip
    settings = [
        "episode.duration=0.5", "episode.planner.num_rollouts=4", "episode.planner.horizon=0.4",
        "episode.planner.knots=2",
    ]  # fmt: skip
    sets = [part for setting in settings for part in ("--set", setting)]
    before = {p.name: p.read_bytes() for p in (tmp_path / "shards").iterdir()}
    assert main([*common, *sets]) == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "shards").iterdir()} == before


def test_missing_ray_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match="Ray is not installed; pip install"):
        list(run_jobs_on_ray(abs, [1], "auto"))
