"""Find the files of a bag and compare them with metadata.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpc_ros.bag.mcap_scan import Scan
from gpc_ros.bag.sqlite_scan import SqliteScan
from gpc_ros.common.documents import DocumentError, read_yaml
from gpc_ros.common.errors import BagError

_PACKED = (".zstd", ".zst")
_STORAGES = (".mcap", ".db3")
_HELP = "give the folder of a bag, or an .mcap or .db3 file"


@dataclass
class BagFiles:
    """The files of a bag.

    Attributes:
        parts: the files of each part, in order: one file, or a plain and a packed copy of it.
        listed: number of messages by part name, where metadata.yaml contains it.
        unlisted: names of parts that metadata.yaml does not list.
        missing: names of parts that metadata.yaml lists but the folder lacks.
        counts: number of messages by topic in metadata.yaml.
        compressed: format of individually compressed messages; empty without such compression.
        problems: defects of the folder, each in a sentence.
    """

    parts: list[list[Path]] = field(default_factory=list)
    listed: dict[str, int] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    compressed: str = ""
    problems: list[str] = field(default_factory=list)


def find_bag_files(path: Path) -> BagFiles:
    """Return the files of a bag.

    Args:
        path: the folder of a bag, a folder with a subfolder ``bag``, or one file of a bag.

    Raises:
        BagError: the path does not lead to a bag.
    """
    try:
        if path.is_dir():
            return _in_folder(path)
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise BagError(f"{str(path)[:200]!r}: cannot be opened: {_reason(error)}") from None
    if not exists:
        raise BagError(f"{path}: does not exist; {_HELP}")
    if not path.is_file() or _stem(path).suffix not in _STORAGES:
        raise BagError(f"{path}: is not a bag file; {_HELP}")
    return BagFiles(parts=[[path]])


def open_scan(path: Path) -> Scan | SqliteScan:
    """Return the reader of one file of a bag."""
    return SqliteScan(path) if _stem(path).suffix == ".db3" else Scan(path)


def part_name(path: Path) -> str:
    """Return the name of a file's part, packed or not."""
    return _stem(path).name


def _in_folder(folder: Path) -> BagFiles:
    found = _parts(folder)
    if not found and (folder / "bag").is_dir():
        folder = folder / "bag"
        found = _parts(folder)
    files = BagFiles()
    order: list[str] = []
    try:
        order = _read_metadata(folder, files)
    except FileNotFoundError:
        pass
    except (OSError, DocumentError) as error:
        files.problems.append(f"metadata.yaml cannot be read: {_reason(error)}")
    if not found:
        if order:
            raise BagError(f"{folder}: every file that metadata.yaml lists is missing: {order[0]}")
        raise BagError(f"{folder}: contains no bag (no .mcap and no .db3 file)")
    files.missing = [name for name in order if name not in found]
    if order:
        files.unlisted = set(found) - set(order)
    elif any(name.endswith(".mcap") for name in found):
        for name in [n for n in found if n.endswith(".db3")]:
            del found[name]
            files.problems.append(f"{name} is not read, since the folder contains .mcap files")
    rest = sorted((n for n in found if n not in order), key=_natural)
    files.parts = [found[name] for name in (*order, *rest) if name in found]
    return files


def _parts(folder: Path) -> dict[str, list[Path]]:
    """Return the files of a folder by part, plain files before packed ones."""
    found: dict[str, list[Path]] = {}
    try:
        for path in sorted(folder.iterdir(), key=lambda p: (p.suffix in _PACKED, p.name)):
            if _stem(path).suffix in _STORAGES and not path.name.startswith("."):
                found.setdefault(part_name(path), []).append(path)
    except OSError as error:
        raise BagError(f"{folder}: cannot be read: {_reason(error)}") from None
    return found


def _read_metadata(folder: Path, files: BagFiles) -> list[str]:
    """Read metadata.yaml and return the names of the parts that it lists, in order."""
    content = read_yaml(folder / "metadata.yaml")
    info = content.get("rosbag2_bagfile_information") if isinstance(content, dict) else None
    if not isinstance(info, dict):
        files.problems.append("metadata.yaml does not describe a bag")
        return []
    names = [
        part_name(Path(name))
        for name in _items(info.get("relative_file_paths"))
        if isinstance(name, str) and "\0" not in name
    ]
    order = list(dict.fromkeys(names))
    for entry in _items(info.get("files")):
        if isinstance(entry, dict) and isinstance(entry.get("path"), str):
            count = _count(entry.get("message_count"))
            if count is not None:
                files.listed[part_name(Path(entry["path"]))] = count
    for entry in _items(info.get("topics_with_message_count")):
        topic = entry.get("topic_metadata") if isinstance(entry, dict) else None
        if isinstance(topic, dict) and isinstance(topic.get("name"), str):
            count = _count(entry.get("message_count"))
            if count is not None:
                name = topic["name"]
                files.counts[name] = files.counts.get(name, 0) + count
    if str(info.get("compression_mode", "")).lower() == "message":
        files.compressed = str(info.get("compression_format"))[:40]
    return order


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _stem(path: Path) -> Path:
    """Return a path without the suffix of packed files."""
    return path.with_suffix("") if path.suffix in _PACKED and path.stem else path


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts bag_2 before bag_10."""
    parts = re.findall(r"(\D*)(\d*)", name)
    return [(int(part[:30] or 0), text) for text, part in parts]


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
