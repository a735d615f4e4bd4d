"""Read the parameters of every node of a run from the topic ``parameters``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from gpc_ros.bag import topics
from gpc_ros.bag.bag_reader import BagMessage, BagReader
from gpc_ros.common import config
from gpc_ros.common.documents import load_json
from gpc_ros.common.errors import ConfigError
from gpc_ros.replay.bag_version import check_version

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """The effective parameters of one node from one moment on.

    Attributes:
        node: name of the node.
        serial: incremented with every change.
        time: of receipt, on the bag's clock [s].
        parameters: every parameter by dotted name.
        facts: further entries of the message, such as the model's card.
    """

    node: str
    serial: int
    time: float
    parameters: dict[str, Any]
    facts: dict[str, Any]

    def same(self, other: Settings) -> bool:
        """Return whether another message contains the same settings."""
        own = self.node, self.serial, self.parameters
        return own == (other.node, other.serial, other.parameters)


def read_settings(reader: BagReader) -> list[Settings]:
    """Read the settings of all nodes in the order of the bag.

    Args:
        reader: the bag; malformed messages are added to its ``problems``.
    """
    name = topics.find(reader, topics.PARAMETERS)
    messages = reader.messages([name] if name else [])
    return settings_from_messages(messages, name, reader.problems)


def settings_from_messages(
    messages: Iterable[BagMessage], name: str, problems: list[str]
) -> list[Settings]:
    """Return the settings in messages of the topic ``parameters``.

    A repeated message of the same settings replaces the earlier one, since it contains more facts.

    Args:
        messages: decoded messages in the order of the bag.
        name: full name of the topic.
        problems: receives malformed messages.
    """
    found: list[Settings] = []
    for message in messages:
        try:
            content = dict(load_json(message.data.data))
            node, serial = str(content.pop("node")), int(content.pop("serial"))
            values = dict(content.pop("parameters"))
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            problems.append(f"{name}: a message without valid parameters ({error})")
            continue
        entry = Settings(node, serial, message.time, values, content)
        before = next((i for i, s in enumerate(found) if s.same(entry)), None)
        if before is None:
            found.append(entry)
        else:
            found[before] = replace(entry, time=found[before].time)
    return found


def known_parameters(reader: BagReader) -> dict[str, dict[str, Any]]:
    """Return the last known parameters of every node, by node and name.

    A bag without recorded parameters yields the task, its parameters and the seed. Parameters that
    this version does not have are added to the bag's problems.
    """
    from gpc_ros.settings.node_settings import SETTINGS

    check_version(reader)
    names = ("task", "task_params", "seed")
    general = {name: reader.info[name] for name in names if reader.info.get(name)}
    found: dict[str, dict[str, Any]] = {
        node: {n: v for n, v in general.items() if n in config.flatten(made())}
        for node, made in SETTINGS.items()
    }
    for entry in read_settings(reader):
        node = entry.node
        if node in SETTINGS:
            current = settings_as(SETTINGS[node](), entry, reader.problems)
            values = config.flatten(current)
            recorded = {config.current_name(current, name) for name in entry.parameters}
            found[node] = {name: v for name, v in values.items() if name in recorded}
    return found


def settings_as(defaults: T, settings: Settings, problems: list[str]) -> T:
    """Return recorded parameters as settings of this version.

    A parameter that is unknown in this version, or has an invalid value, keeps its default and adds
    a problem.

    Args:
        defaults: settings of the node.
        settings: the recorded parameters.
        problems: receives a sentence for each parameter that keeps its default.
    """
    result = defaults
    for name, value in settings.parameters.items():
        try:
            result = config.replace(result, {name: value}, f"the bag's {settings.node}")
        except ConfigError as error:
            problems.append(f"{error}; it keeps its default here")
    return result
