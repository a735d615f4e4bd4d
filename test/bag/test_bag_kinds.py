"""Bags from other recorders and tools, and damaged bags: read, or reported as a problem."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard
from mcap.writer import CompressionType
from odd_bags import (
    XY,
    YX,
    Row,
    installed,
    pack,
    point,
    points,
    write_db3,
    write_mcap,
    write_metadata,
)

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.repair import repair
from gpc_ros.cli.main import main
from gpc_ros.common.errors import BagError

NONE = CompressionType.NONE
Encoded = Callable[..., bytes]


def xs(reader: BagReader) -> list[float]:
    return [m.data.x for m in reader.messages(["/p"])]


def ten(n: int = 10, start: int = 0) -> list[float]:
    return [float(i) for i in range(start, start + n)]


def compressed(rows: list[Row]) -> list[Row]:
    z = zstandard.ZstdCompressor()
    return [Row(r.topic, r.time, z.compress(r.data), r.type, r.text) for r in rows]


@pytest.mark.parametrize("metadata", [True, False])
def test_messages_compressed_one_by_one_are_decompressed(tmp_path: Path, metadata: bool) -> None:
    write_mcap(tmp_path / "b" / "b_0.mcap", compressed(points()), NONE)
    if metadata:
        mode: Any = {"compression_mode": "MESSAGE", "compression_format": "zstd"}
        write_metadata(tmp_path / "b", {"b_0.mcap": 10}, **mode)
    reader = BagReader(tmp_path / "b")
    assert xs(reader) == ten()
    assert reader.problems == []
    assert repair(tmp_path / "b", tmp_path / "copy").whole
    assert xs(BagReader(tmp_path / "copy")) == ten()
    assert main(["export", str(tmp_path / "b")]) == 0
    assert pq.read_table(tmp_path / "b" / "tables" / "p.parquet")["x"].to_pylist() == ten()


def test_unknown_message_compression_is_rejected_by_name(tmp_path: Path) -> None:
    write_mcap(tmp_path / "b" / "b_0.mcap", points())
    mode: Any = {"compression_mode": "message", "compression_format": "snappy"}
    write_metadata(tmp_path / "b", {"b_0.mcap": 10}, **mode)
    with pytest.raises(BagError, match="one by one with 'snappy'"):
        BagReader(tmp_path / "b")


def test_a_damaged_or_huge_compressed_message_is_counted(tmp_path: Path) -> None:
    rows = compressed(points(4))
    cut = Row("/p", 5, rows[0].data[:-3])
    bomb = Row("/p", 6, zstandard.ZstdCompressor().compress(b"\0" * 300_000_000))
    write_mcap(tmp_path / "b.mcap", [*rows, cut, bomb], NONE)
    reader = BagReader(tmp_path / "b.mcap")
    assert xs(reader) == ten(4)
    assert any("/p: " in p for p in reader.problems)
    assert main(["export", str(tmp_path / "b.mcap"), "--out", str(tmp_path / "t")]) == 1


def test_a_changed_definition_has_a_separate_codec(tmp_path: Path) -> None:
    rows = points(3) + [
        Row("/p", 10**9 + i, point(float(3 + i), 0.5, YX), text=YX) for i in range(3)
    ]
    write_mcap(tmp_path / "b.mcap", rows)
    reader = BagReader(tmp_path / "b.mcap")
    assert xs(reader) == ten(6)
    assert all(m.data.y == 0.5 for m in reader.messages())
    assert main(["export", str(tmp_path / "b.mcap"), "--out", str(tmp_path / "t")]) == 0
    tables = [pq.read_table(tmp_path / "t" / n)["x"].to_pylist() for n in
              ("p.parquet", "p.2.parquet")]  # fmt: skip
    assert tables == [ten(3), ten(3, 3)]
    assert repair(tmp_path / "b.mcap", tmp_path / "copy").whole
    assert xs(BagReader(tmp_path / "copy")) == ten(6)


def test_a_definition_may_change_between_files(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    write_mcap(folder / "b_0.mcap", points(3))
    write_mcap(folder / "b_1.mcap", points(3, start=3, text=YX))
    assert xs(BagReader(folder)) == ten(6)


def test_messages_of_empty_types_are_read(tmp_path: Path, encoded: Encoded) -> None:
    make = installed("std_msgs/msg/Empty")
    rows = [make("/e", 1, b"\0\1\0\0\0"), make("/e", 2, b"\0\1\0\0")]
    write_mcap(tmp_path / "b.mcap", rows)
    reader = BagReader(tmp_path / "b.mcap")
    assert len(list(reader.messages())) == 2
    assert main(["export", str(tmp_path / "b.mcap"), "--out", str(tmp_path / "t")]) == 0
    table = pq.read_table(tmp_path / "t" / "e.parquet")
    assert table.column_names == ["time"]
    assert table.num_rows == 2


def test_big_endian_messages_have_the_same_values(tmp_path: Path) -> None:
    data = b"\0\0\0\0" + struct.pack(">dd", 7.0, 0.5)
    write_mcap(tmp_path / "b.mcap", [Row("/p", 1, data)])
    assert xs(BagReader(tmp_path / "b.mcap")) == [7.0]
    assert main(["export", str(tmp_path / "b.mcap"), "--out", str(tmp_path / "t")]) == 0
    assert pq.read_table(tmp_path / "t" / "p.parquet")["x"].to_pylist() == [7.0]


def test_two_topics_with_one_file_name_have_two_tables(tmp_path: Path) -> None:
    rows = points(2, "/a/b") + points(3, "/a.b") + points(1, "/x" * 200) + points(1, "/")
    write_mcap(tmp_path / "b.mcap", rows)
    assert main(["export", str(tmp_path / "b.mcap"), "--out", str(tmp_path / "t")]) == 0
    tables = {p.name: pq.read_table(p).num_rows for p in (tmp_path / "t").iterdir()}
    assert len(tables) == 4
    assert sum(tables.values()) == 7
    assert {tables["a.b.parquet"], tables["a.b.2.parquet"]} == {2, 3}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", ["mcap", "db3"])
@pytest.mark.parametrize("alone", [False, True])
def test_every_form_of_storage_is_read(
    tmp_path: Path, form: str, packed: bool, alone: bool
) -> None:
    write = write_mcap if form == "mcap" else write_db3
    path = write(tmp_path / "b" / f"b_0.{form}", points())
    if packed:
        path = pack(path)
    reader = BagReader(path if alone else tmp_path / "b")
    assert xs(reader) == ten()
    assert reader.problems == []
    assert reader.complete
    assert repair(path, tmp_path / "copy").whole
    assert xs(BagReader(tmp_path / "copy")) == ten()


def test_sqlite_without_definitions_reads_installed_types(tmp_path: Path, pose: Encoded) -> None:
    kind = "geometry_msgs/msg/PoseStamped"
    write_db3(tmp_path / "b.db3", [Row("/pose", 1, pose(1.0), kind), *points(1)], False)
    reader = BagReader(tmp_path / "b.db3")
    assert [m.data.pose.position.x for m in reader.messages()] == [1.0]
    assert any("/p: skipped" in p for p in reader.problems)


@pytest.mark.parametrize("damage", ["cut", "flip", "view", "text", "other"])
def test_damaged_sqlite_raises_bag_errors_only(tmp_path: Path, damage: str) -> None:
    import sqlite3

    path = write_db3(tmp_path / "b.db3", points(500))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "flip":
        content = bytearray(path.read_bytes())
        content[8192 * 2 : 8192 * 2 + 8] = b"\xff" * 8
        path.write_bytes(content)
    else:
        base = sqlite3.connect(path)
        if damage == "text":
            base.execute("UPDATE messages SET data='text' WHERE id > 100")
        else:
            base.execute("DROP TABLE messages")
        if damage == "view":
            base.execute(
                "CREATE VIEW messages AS WITH RECURSIVE c(id, topic_id, timestamp, data) AS"
                " (SELECT 1, 1, 1, x'00' UNION ALL SELECT id + 1, 1, 1, data FROM c)"
                " SELECT * FROM c"
            )
        base.commit()
        base.close()
    try:
        reader = BagReader(path)
    except BagError as error:
        assert str(path) in str(error)
        return
    assert reader.problems
    list(reader.messages())


def test_a_missing_part_is_named_with_its_number_of_messages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "b"
    for i in (0, 2):
        write_mcap(folder / f"b_{i}.mcap", points(5, start=5 * i))
    write_metadata(folder, {f"b_{i}.mcap": 5 for i in range(3)}, {"/p": 15})
    reader = BagReader(folder)
    assert xs(reader) == ten(5) + ten(5, 10)
    assert reader.problems == [
        "b_1.mcap is listed in metadata.yaml and is missing: 5 messages are lost"
    ]
    assert not reader.complete
    assert main(["repair", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "b_1.mcap is listed" in out and "was whole" not in out
    assert main(["export", str(folder)]) == 1


def test_a_copy_of_a_part_is_not_read_twice(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    file = write_mcap(folder / "b_0.mcap", points())
    (folder / "b_0 (copy).mcap").write_bytes(file.read_bytes())
    reader = BagReader(folder)
    assert xs(reader) == ten()
    assert any("is a copy of" in p for p in reader.problems)
    write_mcap(folder / "filtered.mcap", points(4, start=2))
    write_metadata(folder, {"b_0.mcap": 10})
    reader = BagReader(folder)
    assert xs(reader) == ten()
    assert any("filtered.mcap is not listed in metadata.yaml" in p for p in reader.problems)


def test_an_unlisted_later_part_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    write_mcap(folder / "b_0.mcap", points(5))
    write_mcap(folder / "b_1.mcap", points(5, start=5))
    write_metadata(folder, {"b_0.mcap": 5})
    reader = BagReader(folder)
    assert xs(reader) == ten()
    assert any("b_1.mcap is not listed" in p for p in reader.problems)


@pytest.mark.parametrize("cut", ["neither", "plain", "packed"])
def test_the_better_of_a_packed_and_a_plain_file_is_read_once(tmp_path: Path, cut: str) -> None:
    folder = tmp_path / "b"
    rows = points(200)
    plain = write_mcap(folder / "b_0.mcap", rows, NONE, chunk=500)
    packed = pack(plain, keep=True)
    write_mcap(folder / "b_1.mcap", points(5, start=200))
    for path, name in ((plain, "plain"), (packed, "packed")):
        if cut == name:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    reader = BagReader(folder)
    assert xs(reader) == ten(205)


def test_packed_and_plain_parts_mixed_after_a_power_cut(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    for i in range(12):
        file = write_mcap(folder / f"b_{i}.mcap", points(5, start=5 * i))
        if i < 11:
            pack(file)
    reader = BagReader(folder)
    assert xs(reader) == ten(60)
    assert reader.problems == []


def test_metadata_with_more_messages_than_the_files_is_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    write_mcap(folder / "b_0.mcap", points(5))
    write_metadata(folder, {"b_0.mcap": 7}, {"/p": 7})
    assert BagReader(folder).problems == ["/p: metadata.yaml lists 7 messages, the files have 5"]


@pytest.mark.parametrize(
    "text",
    [b"\xff", b"a: &a [*a]", b"[" * 9999, b"rosbag2_bagfile_information: 3", b"",
     b"rosbag2_bagfile_information: {relative_file_paths: [1, {a: 2}, \"../../x.mcap\"],"
     b" files: [3], topics_with_message_count: {a: b}, compression_mode: [1]}"],
)  # fmt: skip
def test_a_bag_with_invalid_metadata_is_read(tmp_path: Path, text: bytes) -> None:
    write_mcap(tmp_path / "b" / "b_0.mcap", points(5))
    (tmp_path / "b" / "metadata.yaml").write_bytes(text)
    reader = BagReader(tmp_path / "b")
    assert xs(reader) == ten(5)
    assert reader.problems


def test_repair_names_the_topics_that_cannot_be_decoded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = [
        Row("/proto", 1, b"\x08\x01", "pb.Thing", "\xff\x00", "protobuf", "protobuf"),
        Row("/unknown", 2, b"\0\1\0\0\1", "odd_msgs/msg/Gone", "", schema_encoding=""),
        Row("/broken", 3, b"\0\1\0\0\1", text=XY),
    ]
    write_mcap(tmp_path / "b.mcap", points(3) + odd)
    assert main(["repair", str(tmp_path / "b.mcap"), "--out", str(tmp_path / "copy")]) == 0
    out = capsys.readouterr().out
    assert "was whole" not in out
    for topic in ("/proto", "/unknown", "/broken"):
        assert f"not readable here: {topic}" in out
    source, copy = BagReader(tmp_path / "b.mcap"), BagReader(tmp_path / "copy")
    assert {n: t.types for n, t in copy.topics.items()} == {
        n: t.types for n, t in source.topics.items()
    }
    assert list(copy.raw()) == list(source.raw())


def test_a_bag_without_a_message_is_not_repaired(tmp_path: Path) -> None:
    write_mcap(tmp_path / "b.mcap", [])
    with pytest.raises(BagError, match="contains no readable message"):
        repair(tmp_path / "b.mcap", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_damaged_length_does_not_hide_later_chunks(tmp_path: Path) -> None:
    file = write_mcap(tmp_path / "b.mcap", points(400), NONE, chunk=500)
    content = bytearray(file.read_bytes())
    from gpc_ros.bag.mcap_summary import read_summary

    chunks = read_summary(file).chunks
    content[chunks[10] + 3] ^= 0x40  # a length of gigabytes
    content[chunks[20]] ^= 0x10  # another kind of record
    file.write_bytes(content)
    reader = BagReader(file)
    per_chunk = 400 / len(chunks)
    assert 400 - 3 * per_chunk - 5 <= len(xs(reader)) < 400
    assert any("reading resumes" in p for p in reader.problems)
    assert any("messages are not readable" in p for p in reader.problems)


def test_a_declared_size_of_gigabytes_is_not_allocated(tmp_path: Path) -> None:
    import resource

    file = write_mcap(tmp_path / "b.mcap", points(5), NONE)
    bomb = zstandard.ZstdCompressor().compress(b"\0" * 800_000_000)
    chunk = struct.pack("<QQQII", 0, 1, 8_000_000_000, 0, 4) + b"zstd"
    chunk += struct.pack("<Q", len(bomb)) + bomb
    head = file.read_bytes()
    record = struct.pack("<BQ", 6, len(chunk)) + chunk
    huge = struct.pack("<BQ", 3, 2_000_000_000)  # a schema of 2 GB in a file of kilobytes
    file.write_bytes(head[:8] + record * 3 + head[8:-100] + huge)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader = BagReader(file)
    assert any("unpacks to more than" in p for p in reader.problems)
    assert xs(reader) == ten(5)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # kB


@pytest.mark.parametrize(
    "text",
    [
        "float64[4000000000] x", "B[1000] x\n", "\n".join(f"int8 f{i}" for i in range(60_000)),
        "Point x", "int32 A=1<<99999999999", "int32 X=" + "9" * 5000, "(" * 50_000, "\0",
    ],
)  # fmt: skip
def test_hostile_definitions_are_reported_in_bounded_time(tmp_path: Path, text: str) -> None:
    import time

    if text.startswith("B["):
        for i in range(10):
            text += f"{'=' * 80}\nMSG: odd_msgs/B{i or ''}\nB{i + 1}[1000] x\n"
    write_mcap(
        tmp_path / "b.mcap", [*points(2), Row("/odd", 1, b"\0\1\0\0" + b"\1" * 40, text=text)]
    )
    start = time.process_time()
    reader = BagReader(tmp_path / "b.mcap")
    assert len(list(reader.messages())) == 2
    assert any(p.startswith("/odd: skipped") for p in reader.problems)
    assert time.process_time() - start < 5.0
