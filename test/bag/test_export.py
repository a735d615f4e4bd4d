"""Parquet tables of a bag contain every number, also of truncated bags and unknown types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter, Qos
from gpc_ros.bag.export import export_parquet
from gpc_ros.cli.main import main
from gpc_ros.common.errors import BagError

Make = Callable[..., Any]


def test_every_message_is_a_row_and_every_field_a_column(tmp_path: Path, made_run: Make) -> None:
    reader = BagReader(made_run().write(tmp_path / "bag"))
    files = export_parquet(reader, tmp_path / "tables").files
    assert {f.name for f in files} == {
        f"{name.strip('/').replace('/', '.')}.parquet" for name in reader.topics
    }
    for topic in reader.topics.values():
        name = f"{topic.name.strip('/').replace('/', '.')}.parquet"
        assert pq.read_table(tmp_path / "tables" / name).num_rows == topic.count
    state = pq.read_table(tmp_path / "tables" / "scene_state.parquet").to_pydict()
    messages = list(reader.messages(["/scene_state"]))
    for i in (0, 7, len(messages) - 1):
        data = messages[i].data
        assert state["time"][i] == messages[i].time
        assert state["header.stamp"][i] == pytest.approx(
            data.header.stamp.sec + 1e-9 * data.header.stamp.nanosec
        )
        assert state["pose.position.x"][i] == data.pose.position.x
        assert [state[f"joint_position.{k}"][i] for k in range(12)] == data.joint_position.tolist()
        assert state["objects.name"][i] == ["box"]
        assert state["objects.pose.position.y"][i] == [data.objects[0].pose.position.y]
    status = pq.read_table(tmp_path / "tables" / "planner.status.parquet").to_pydict()
    assert status["term_names"][0] == ["distance", "yaw", "fall"]
    np.testing.assert_allclose(status["term_values"][0], [0.8, 0.2, 0.0])
    assert not list((tmp_path / "tables").glob("*.part"))


def test_lists_may_be_empty_at_first(tmp_path: Path, made_run: Make) -> None:
    run = made_run(task="navigate")  # no object in any state
    export_parquet(BagReader(run.write(tmp_path / "bag")), tmp_path / "tables")
    table = pq.read_table(tmp_path / "tables" / "scene_state.parquet").to_pydict()
    assert table["objects.name"][0] == []


def test_the_readable_part_of_a_cut_bag_is_exported(tmp_path: Path, made_run: Make) -> None:
    file = made_run().write(tmp_path / "bag") / "bag.mcap"
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    reader = BagReader(tmp_path / "bag")
    assert export_parquet(reader, tmp_path / "tables").rows
    assert reader.problems


def test_an_unknown_type_is_skipped_and_named(tmp_path: Path, pose: Callable[..., bytes]) -> None:
    writer = BagWriter(tmp_path / "bag")
    writer.add_topic("/pose", "geometry_msgs/msg/PoseStamped")
    writer.write("/pose", pose(1.0), 1)
    writer.add_foreign_topic("/odd", "odd/msg/Thing", "", "", "ros2msg", Qos())
    writer.write("/odd", b"\x00\x01\x00\x00", 2)
    writer.close()
    reader = BagReader(tmp_path / "bag")
    files = export_parquet(reader, tmp_path / "tables").files
    assert [f.name for f in files] == ["pose.parquet"]
    assert any("/odd: skipped" in problem for problem in reader.problems)


def test_the_command_prints_the_number_of_rows(
    tmp_path: Path, made_run: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    made_run(end=0.5).write(tmp_path / "run" / "bag")
    assert main(["export", str(tmp_path / "run")]) == 0
    assert "rows" in capsys.readouterr().out
    assert (tmp_path / "run" / "tables" / "plan.parquet").is_file()


def test_an_unwritable_folder_is_an_error(tmp_path: Path, made_run: Make) -> None:
    (tmp_path / "file").write_text("")
    reader = BagReader(made_run(end=0.2).write(tmp_path / "bag"))
    with pytest.raises(BagError, match="cannot be written"):
        export_parquet(reader, tmp_path / "file" / "tables")
