"""Message files: every field is documented, all are built, /tf has the published type."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

MESSAGES = Path(__file__).resolve().parents[2] / "gpc_msgs"
FILES = sorted(path.relative_to(MESSAGES) for path in MESSAGES.glob("*/*.[ms][sr][gv]"))
# Fields with self-explanatory names: standard types, names and costs.
PLAIN = {"header", "name", "task", "optimizer", "state", "best_cost", "effective_sample_size"}
PLAIN |= {"objects", "term_values", "counter_values", "success"}
FIELD = re.compile(r"^(?P<type>[\w/]+(\[\d*\])?) (?P<name>\w+)(=\S+)?\s*(?P<comment>#.*)?$")


def lines(path: Path) -> list[str]:
    return (MESSAGES / path).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("path", FILES, ids=str)
def test_begins_with_a_description(path: Path) -> None:
    assert re.match(r"# [A-Z].*\w", lines(path)[0])


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_field_is_documented(path: Path) -> None:
    for line in lines(path):
        if line.strip() and not line.lstrip().startswith("#") and line != "---":
            field = FIELD.match(line)
            assert field, line
            assert field["comment"] or field["name"] in PLAIN, line


@pytest.mark.parametrize("path", FILES, ids=str)
def test_is_built(path: Path) -> None:
    assert f'"{path.as_posix()}"' in (MESSAGES / "CMakeLists.txt").read_text(encoding="utf-8")
    module = importlib.import_module(f"gpc_msgs.{path.parent}")
    assert hasattr(module, path.stem)


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".msg"], ids=str)
def test_installed_message_is_the_one_in_the_tree(path: Path) -> None:
    """A stale build causes errors that are hard to find."""
    message = getattr(importlib.import_module("gpc_msgs.msg"), path.stem)
    declared = []
    for line in lines(path):
        field = FIELD.match(line)
        if field and "=" not in line.split("#")[0]:
            declared.append(field["name"])
    assert list(message.get_fields_and_field_types()) == declared


def test_tf_message_has_the_published_type_hash() -> None:
    """Other programs receive /tf only if the type hash matches."""
    import tf2_msgs.msg

    name = Path("share/tf2_msgs/msg/TFMessage.json")
    prefixes = Path(tf2_msgs.__file__).resolve().parents
    (file,) = (prefix / name for prefix in prefixes if (prefix / name).is_file())
    described = json.loads(file.read_text(encoding="utf-8"))
    hashes = {entry["type_name"]: entry["hash_string"] for entry in described["type_hashes"]}
    assert hashes["tf2_msgs/msg/TFMessage"] == (
        "RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087"
    )


def test_checks_of_message_fields_are_on() -> None:
    """Without these checks rclpy reads past the end of an array of the wrong length."""
    from gpc_msgs.msg import JointCommand

    with pytest.raises(AssertionError):
        JointCommand().position = [0.0] * 11
    assert sys.flags.optimize == 0
