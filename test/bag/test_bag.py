"""Written bags are read back complete or truncated, here and by other tools."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter, Qos
from gpc_ros.bag.repair import repair
from gpc_ros.common.errors import BagError

POSE = "geometry_msgs/msg/PoseStamped"
Pose = Callable[..., bytes]
PoseBag = Callable[..., Path]


def positions(reader: BagReader) -> list[float]:
    return [message.data.pose.position.x for message in reader.messages()]


@pytest.mark.parametrize("compression", ["zstd", "lz4", "none"])
def test_bytes_and_times_come_back(tmp_path: Path, pose: Pose, compression: str) -> None:
    sent = [("/a", 1_700_000_000_000_000_001 + i, pose(float(i), stamp=i)) for i in range(50)]
    writer = BagWriter(tmp_path / "bag", {"task": "box_push", "seed": "3"}, compression)
    writer.add_topic("/a", POSE, Qos("best_effort", "transient_local", 5))
    for topic, time, data in sent:
        writer.write(topic, data, time)
    writer.close()
    reader = BagReader(tmp_path / "bag")
    assert list(reader.raw()) == sent
    assert reader.info == {"task": "box_push", "seed": "3"}
    assert reader.topics["/a"].qos == Qos("best_effort", "transient_local", 5)
    assert reader.complete
    assert reader.problems == []
    assert positions(reader) == [float(i) for i in range(50)]


def test_other_readers_open_it(pose_bag: PoseBag) -> None:
    folder = pose_bag(20)
    with Reader(folder) as bag:
        assert bag.message_count == 20
        assert [c.topic for c in bag.connections] == ["/pose"]
        assert bag.connections[0].digest.startswith("RIHS01_10f3786d")
        assert len(list(bag.messages())) == 20
    with (folder / "bag.mcap").open("rb") as stream:
        decoded = [m.ros_msg.pose.position.x for m in _mcap(stream)]
    assert decoded == [float(i) for i in range(20)]


def _mcap(stream: io.BufferedReader) -> list:
    reader = make_reader(stream, decoder_factories=[DecoderFactory()], validate_crcs=True)
    return [type("M", (), {"ros_msg": ros})() for _, _, _, ros in reader.iter_decoded_messages()]


def test_other_readers_decode_every_type_of_a_run(tmp_path: Path, made_run: Any) -> None:
    folder = made_run(end=0.5).write(tmp_path / "bag")
    ours = BagReader(folder)
    with (folder / "bag.mcap").open("rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        decoded = {c.topic: m for _, c, _, m in reader.iter_decoded_messages()}
    assert decoded.keys() == ours.topics.keys()
    last = {message.topic: message.data for message in ours.messages()}
    other, own = decoded["/scene_state"], last["/scene_state"]
    assert other.objects[0].name == own.objects[0].name == "box"
    assert list(other.joint_position) == own.joint_position.tolist()
    assert list(decoded["/plan"].knots) == last["/plan"].knots.tolist()
    with AnyReader([folder]) as bag:
        values: dict[str, Any] = {
            connection.topic: bag.deserialize(data, connection.msgtype)
            for connection, _, data in bag.messages()
        }
    assert values["/planner/status"].term_names == last["/planner/status"].term_names
    assert values["/supervisor"].name == last["/supervisor"].name


def test_metadata_is_version_9(pose_bag: PoseBag) -> None:
    text = (pose_bag(4) / "metadata.yaml").read_text()
    info = yaml.safe_load(text)["rosbag2_bagfile_information"]
    assert info["version"] == 9
    assert info["storage_identifier"] == "mcap"
    assert info["relative_file_paths"] == ["bag.mcap"]
    assert info["message_count"] == 4
    assert info["duration"]["nanoseconds"] == 30_000_000
    assert info["custom_data"] == {"task": "none"}
    topic = info["topics_with_message_count"][0]["topic_metadata"]
    assert topic["offered_qos_profiles"][0]["reliability"] == "reliable"
    assert "&id" not in text  # no YAML aliases: rosbag2's parser does not resolve them


@pytest.mark.parametrize("compression", ["zstd", "lz4", "none"])
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(share=st.floats(0.0, 1.0))
def test_bag_cut_anywhere_yields_the_flushed_messages(
    tmp_path_factory: pytest.TempPathFactory, pose: Pose, compression: str, share: float
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    stream = _Keeping()
    writer = BagWriter(folder / "whole", compression=compression, stream=stream)
    writer.add_topic("/pose", POSE)
    flushed = []  # (bytes so far, messages so far)
    for i in range(30):
        writer.write("/pose", pose(float(i)), i * 10_000_000)
        if i % 7 == 6:
            writer.flush()
            flushed.append((len(stream.getvalue()), i + 1))
    writer.close()
    content = stream.getvalue()
    cut = round(share * len(content))
    path = folder / "cut.mcap"
    path.write_bytes(content[:cut])
    reader = BagReader(path)
    got = positions(reader)
    assert got == [float(i) for i in range(len(got))]
    assert len(got) >= max([n for size, n in flushed if size <= cut], default=0)
    assert reader.complete == (cut == len(content))
    assert bool(reader.problems) == (cut < len(content))


class _Keeping(io.BytesIO):
    """A stream that keeps its content after it is closed."""

    def close(self) -> None:
        self.content = super().getvalue()

    def getvalue(self) -> bytes:
        return super().getvalue()


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_anywhere_never_escapes(
    tmp_path_factory: pytest.TempPathFactory, pose: Pose, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    writer = BagWriter(folder / "bag", compression="none")
    writer.add_topic("/pose", POSE)
    for i in range(6):
        writer.write("/pose", pose(float(i)), i)
        writer.flush()
    writer.close()
    path = folder / "bag" / "bag.mcap"
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    reader = BagReader(path)
    for message in reader.messages():
        assert message.topic in reader.topics


def test_without_metadata(pose_bag: PoseBag) -> None:
    folder = pose_bag()
    (folder / "metadata.yaml").unlink()
    assert len(positions(BagReader(folder))) == 20


def test_repair_makes_a_complete_bag(pose_bag: PoseBag, tmp_path: Path) -> None:
    folder = pose_bag(300, every=5)
    file = folder / "bag.mcap"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (folder / "metadata.yaml").unlink()
    done = repair(folder, tmp_path / "mended")
    account = done.reader
    assert "was cut off" in done.lost[0]
    assert not done.whole
    mended = BagReader(tmp_path / "mended")
    assert mended.complete
    assert mended.info == {"task": "none"}
    assert list(mended.raw()) == list(account.raw())
    with Reader(tmp_path / "mended") as bag:
        assert bag.message_count == account.count > 0


def test_a_run_folder_is_accepted(pose_bag: PoseBag) -> None:
    folder = pose_bag()
    assert BagReader(folder.parent).count == 20
    assert BagReader(folder / "bag.mcap").count == 20


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent", "does not exist"),
        ("empty", "contains no bag"),
        ("sqlite", "not an SQLite file"),
        ("text.mcap", "not an MCAP file"),
        ("notes.txt", "is not a bag file"),
    ],
)
def test_a_path_without_a_bag_is_rejected(tmp_path: Path, name: str, message: str) -> None:
    for folder in ("empty", "sqlite"):
        (tmp_path / folder).mkdir()
    (tmp_path / "sqlite" / "a.db3").touch()
    (tmp_path / "text.mcap").write_text("this is text and not a bag")
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(BagError, match=message):
        BagReader(tmp_path / name)


def test_empty_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.mcap").touch()
    reader = BagReader(tmp_path / "a.mcap")
    assert reader.count == 0
    assert "empty" in reader.problems[0]


def test_unknown_types_are_skipped_and_named(tmp_path: Path, pose: Pose) -> None:
    writer = BagWriter(tmp_path / "bag")
    qos = Qos()
    writer.add_topic("/pose", POSE)
    writer.add_foreign_topic("/odd", "odd_msgs/msg/Odd", "invalid text?", "", "ros2msg", qos)
    writer.add_foreign_topic("/proto", "pb.Thing", "syntax", "", "protobuf", qos)
    writer.add_foreign_topic("/wrong", "std_msgs/msg/String", "string data\n", "", "ros2msg", qos)
    for i in range(3):
        writer.write("/pose", pose(float(i)), i)
        writer.write("/odd", b"\x00\x01\x00\x00abcd", i)
        writer.write("/proto", b"abcd", i)
        writer.write("/wrong", b"\x00\x01\x00\x00\xff\xff\xff\x7f", i)
    writer.close()
    reader = BagReader(tmp_path / "bag")
    assert positions(reader) == [0.0, 1.0, 2.0]
    account = "\n".join(reader.problems)
    for part in ("/odd: skipped", "/proto: skipped", "protobuf", "/wrong: 3 messages cannot"):
        assert part in account
    assert reader.count == 12


def test_rates_thin_out_and_survive_a_clock_jump(tmp_path: Path, pose: Pose) -> None:
    writer = BagWriter(tmp_path / "bag")
    writer.add_topic("/pose", POSE)
    times = [*range(10_000, 11_000, 2), *range(500, 1_500, 2)]  # [ms], set back by 10 s
    for i, time in enumerate(times):
        writer.write("/pose", pose(float(i)), time * 1_000_000)
    writer.close()
    messages = list(BagReader(tmp_path / "bag").messages(rates={"/pose": 100.0}))
    assert len(messages) == 200
    assert messages[100].time == pytest.approx(0.5)


def test_folder_in_use_is_refused(pose_bag: PoseBag) -> None:
    with pytest.raises(BagError, match="is not empty"):
        BagWriter(pose_bag())


def test_a_second_type_of_a_topic_is_rejected(tmp_path: Path) -> None:
    writer = BagWriter(tmp_path / "bag")
    writer.add_topic("/a", POSE)
    writer.add_topic("/a", POSE)
    with pytest.raises(BagError, match="/a is recorded as geometry_msgs"):
        writer.add_topic("/a", "std_msgs/msg/Header")
    writer.close()


def test_full_disk_raises_an_error_that_names_it(tmp_path: Path, pose: Pose) -> None:
    disk = _Disk(12_000)
    writer = BagWriter(tmp_path / "bag", compression="none", stream=disk)
    writer.add_topic("/pose", POSE)
    with pytest.raises(BagError, match="No space left"):
        for i in range(100):
            writer.write("/pose", pose(float(i)), i)
            writer.flush()
    with pytest.raises(BagError, match="cannot be finished"):
        writer.close()
    path = tmp_path / "rest.mcap"
    path.write_bytes(disk.getvalue())
    assert len(positions(BagReader(path))) > 0


class _Disk(io.BytesIO):
    """A disk with room for a limited number of bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._room:
            super().write(data[: max(self._room - self.tell(), 0)])
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)

    def close(self) -> None:
        pass
