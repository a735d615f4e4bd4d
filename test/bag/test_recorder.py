"""The recorder writes every message, and its errors never reach the caller."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_recorder import Recorder, RecorderConfig
from gpc_ros.bag.bag_writer import BagWriter, Qos
from gpc_ros.bag.repair import repair
from gpc_ros.common.errors import BagError

POSE = "geometry_msgs/msg/PoseStamped"
Pose = Callable[..., bytes]


def test_every_queued_message_is_in_the_bag(tmp_path: Path, pose: Pose) -> None:
    recorder = Recorder(tmp_path / "bag", info={"task": "navigate"})
    sent = [("/a" if i % 2 else "/b", i, pose(float(i))) for i in range(500)]
    for topic, time, data in sent:
        recorder.put(topic, POSE, data, time, Qos("best_effort"))
    status = recorder.close()
    assert not status.recording
    assert status.error == ""
    assert status.counts == {"/a": 250, "/b": 250}
    assert status.dropped == status.waiting == 0
    assert status.bytes == sum(len(data) for _, _, data in sent)
    reader = BagReader(tmp_path / "bag")
    assert reader.complete
    assert list(reader.raw()) == sent
    assert reader.info == {"task": "navigate"}
    assert reader.topics["/a"].qos.reliability == "best_effort"


def test_messages_are_flushed_while_the_recorder_runs(tmp_path: Path, pose: Pose) -> None:
    flushed = threading.Event()

    class Telling(BagWriter):
        def flush(self, sync: bool = False) -> None:
            super().flush(sync)
            if self.counts().get("/a", 0) == 3:
                flushed.set()

    recorder = Recorder(tmp_path / "bag", RecorderConfig(flush_period=0.05), make_writer=Telling)
    for i in range(3):
        recorder.put("/a", POSE, pose(float(i)), i)
    assert flushed.wait(20.0)
    # A reader finds this state while the recorder runs, or after it was killed.
    reader = BagReader(tmp_path / "bag")
    assert reader.count == 3
    assert not reader.complete
    recorder.close()


def test_unknown_type_skips_only_its_topic(tmp_path: Path, pose: Pose) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.put("/odd", "absent_msgs/msg/Gone", b"\x00\x01\x00\x00", 0)
    recorder.put("/a", POSE, pose(1.0), 1)
    status = recorder.close()
    assert status.counts == {"/a": 1}
    assert "absent_msgs" in status.refused["/odd"]
    assert BagReader(tmp_path / "bag").count == 1


class _FullDisk(io.BytesIO):
    """A disk with room for a limited number of bytes."""

    room = 12_000

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def _on(stream: io.BytesIO) -> Callable[..., BagWriter]:
    def make(folder: Path, info: Any, compression: str) -> BagWriter:
        return BagWriter(folder, info, "none", stream=stream)

    return make


def test_full_disk_stops_only_the_recording(tmp_path: Path, pose: Pose) -> None:
    config = RecorderConfig(flush_period=0.05, sync=False)
    recorder = Recorder(tmp_path / "bag", config, make_writer=_on(_FullDisk()))
    for i in range(200):
        recorder.put("/a", POSE, pose(float(i)), i)
    status = recorder.close()
    assert "No space left" in status.error
    assert not status.recording
    before = status.dropped
    recorder.put("/a", POSE, pose(0.0), 0)
    assert recorder.status().dropped == before + 1
    assert recorder.close().error == status.error


def test_recording_stops_before_the_disk_is_full(
    tmp_path: Path, pose: Pose, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 5e6

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    recorder = Recorder(tmp_path / "bag", RecorderConfig(flush_period=0.05, min_free=10.0))
    recorder.put("/a", POSE, pose(1.0), 1)
    recorder._thread.join(20.0)
    status = recorder.status()
    assert not status.recording
    assert "5 MB left, less than min_free of 10 MB" in status.error
    reader = BagReader(tmp_path / "bag")
    assert reader.complete
    assert reader.count == status.counts["/a"] == 1


def test_a_slow_disk_drops_and_counts_messages(tmp_path: Path, pose: Pose) -> None:
    gate = threading.Event()

    class Slow(BagWriter):
        def write(self, topic: str, data: bytes, time: int, *more: Any) -> None:
            gate.wait(20.0)
            super().write(topic, data, time)

    recorder = Recorder(tmp_path / "bag", RecorderConfig(queue=1.0), make_writer=Slow)
    message = pose(1.0, frame="m" * 100_000)
    for i in range(30):
        recorder.put("/a", POSE, message, i)
    assert recorder.status().dropped == 30 - int(1e6 / len(message))
    gate.set()
    status = recorder.close()
    assert status.counts["/a"] + status.dropped == 30
    assert BagReader(tmp_path / "bag").count == status.counts["/a"]


def test_a_hanging_disk_does_not_block_close(tmp_path: Path, pose: Pose) -> None:
    gate = threading.Event()

    class Hanging(BagWriter):
        def write(self, topic: str, data: bytes, time: int, *more: Any) -> None:
            gate.wait(20.0)

    recorder = Recorder(tmp_path / "bag", make_writer=Hanging)
    recorder.put("/a", POSE, pose(1.0), 1)
    status = recorder.close(timeout=0.2)
    assert "did not accept the rest" in status.error
    gate.set()


def test_a_defect_in_the_writer_does_not_reach_the_caller(tmp_path: Path, pose: Pose) -> None:
    class Broken(BagWriter):
        def write(self, topic: str, data: bytes, time: int, *more: Any) -> None:
            raise ZeroDivisionError("a defect")

    recorder = Recorder(tmp_path / "bag", make_writer=Broken)
    recorder.put("/a", POSE, pose(1.0), 1)
    status = recorder.close()
    assert "ZeroDivisionError: a defect" in status.error
    assert status.dropped == 1


def test_folder_in_use_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "old").touch()
    with pytest.raises(BagError, match="is not empty"):
        Recorder(tmp_path / "bag")


_RECORDING = """
import sys
from pathlib import Path
from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.bag.bag_recorder import Recorder, RecorderConfig

class Telling(BagWriter):
    def flush(self, sync=False):
        super().flush(sync)
        print(sum(self.counts().values()), flush=True)

data = bytes.fromhex(sys.argv[2])
recorder = Recorder(Path(sys.argv[1]), RecorderConfig(flush_period=0.05), make_writer=Telling)
n = 0
while True:
    if recorder.status().waiting < 100_000:
        recorder.put("/a", "geometry_msgs/msg/PoseStamped", data, n)
        n += 1
"""


@pytest.mark.integration
def test_flushed_messages_survive_a_killed_recorder(tmp_path: Path, pose: Pose) -> None:
    bag = tmp_path / "bag"
    command = [sys.executable, "-c", _RECORDING, str(bag), pose(1.0).hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        flushed = 0
        while flushed < 500:
            flushed = int(process.stdout.readline())
        process.kill()
    reader = BagReader(bag)
    assert not reader.complete
    assert reader.count >= flushed
    assert all(message.data.pose.position.x == 1.0 for message in reader.messages())
    done = repair(bag, tmp_path / "mended")
    assert BagReader(tmp_path / "mended").count == done.written == reader.count
