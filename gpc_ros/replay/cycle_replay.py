"""Replay the planning cycles of a bag: exactly, and with other settings for comparison.

A planner with the recorded settings must reproduce the plan of every cycle bit for bit. A second
planner with other settings plans from the same recorded states, so the comparison does not show
the motion that its plans would have caused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gpc_ros.bag import topics
from gpc_ros.bag.bag_reader import BagMessage, BagReader
from gpc_ros.common import config
from gpc_ros.common.assignments import parse_assignments
from gpc_ros.common.errors import BagError, ConfigError, GpcError, InputError
from gpc_ros.common.splines import knot_interval, spline_order
from gpc_ros.planning.cycle import CycleRecord
from gpc_ros.replay.bag_version import check_version
from gpc_ros.replay.cycle_records import cycle_record_from_msg
from gpc_ros.replay.message_checks import MALFORMED
from gpc_ros.replay.recorded_parameters import Settings, read_settings, settings_as
from gpc_ros.replay.replay_cycles import Exact, Other, Replayed
from gpc_ros.settings.node_settings import PlannerSettings
from gpc_ros.tasks import make_task

# Prefixes of the planner's and the task's parameters in overrides.
_PLANNER, _TASK = "planner.", "task."


class Replay:
    """Replays the planning cycles of a bag.

    Attributes:
        records: every readable cycle in the order of the bag.
        recorded: settings of the planner by serial number.
        problems: unreadable cycles and settings, each in a sentence.
        lost: number of cycles missing between the first and the last record.
    """

    def __init__(
        self,
        reader: BagReader,
        settings: Iterable[Settings] | None = None,
        messages: Iterable[BagMessage] | None = None,
    ) -> None:
        """Read the cycles and settings of a bag.

        Args:
            reader: the bag.
            settings: its settings, if already read.
            messages: its cycle messages in order, if already read.

        Raises:
            BagError: the bag lacks cycles or the planner's parameters.
        """
        check_version(reader)
        self.problems = reader.problems
        self.recorded: dict[int, PlannerSettings] = {}
        for entry in read_settings(reader) if settings is None else settings:
            if entry.node.rpartition("/")[2] == "planner":
                self.recorded[entry.serial] = settings_as(PlannerSettings(), entry, self.problems)
        name = topics.find(reader, topics.CYCLE)
        if not name:
            raise BagError(
                f"{reader.path}: contains no planning cycles (topic {topics.CYCLE.name}); they "
                "are recorded while the planner has a goal, by this version or a later one"
            )
        if not self.recorded:
            raise BagError(
                f"{reader.path}: lacks the planner's parameters (topic "
                f"{topics.PARAMETERS.name}), without which its cycles cannot be repeated"
            )
        self.records = list(
            self._read(reader.messages([name]) if messages is None else messages, name)
        )
        numbers = [record.cycle for record in self.records]
        self.lost = max(numbers) - min(numbers) + 1 - len(set(numbers)) if numbers else 0

    def _read(self, messages: Iterable[BagMessage], name: str) -> Iterator[CycleRecord]:
        for message in messages:
            serial = int(getattr(message.data, "settings", -1))
            if serial not in self.recorded:
                self._note(f"{name}: parameters number {serial} are not in the bag; cycles skipped")
                continue
            s = self.recorded[serial]
            order = spline_order(s.spline)
            try:
                yield cycle_record_from_msg(
                    message.data, s.task, knot_interval(s.horizon, s.knots, order), order
                )
            except (InputError, *MALFORMED) as error:
                self._note(f"{name}: a cycle cannot be read: {error}")

    def run(
        self,
        overrides: Mapping[str, str] | None = None,
        limit: str = "none",
        every: Callable[[Replayed], None] = lambda _: None,
    ) -> list[Replayed]:
        """Replay every cycle.

        Args:
            overrides: other settings for the comparison, by planner.NAME or task.NAME; empty
                replays only.
            limit: end of a cycle with the other settings: ``none``, or ``live`` for the recorded
                fraction of the period on this machine's clock.
            every: called after each cycle.

        Returns:
            The repeatable cycles; the others are listed in the problems.

        Raises:
            ConfigError: an override has an unknown name or an invalid value.
        """
        if limit not in ("none", "live"):
            raise ConfigError(f"limit: '{limit}' is neither none nor live")
        if overrides:
            for settings in self.recorded.values():
                changed(settings, overrides)  # rejects bad names before anything is computed
        results: list[Replayed] = []
        serial: int | None = None
        again, other = None, None
        for record in self.records:
            settings = self.recorded[record.settings]
            if record.settings != serial:
                serial, again = record.settings, self._planner(record.settings)
                other = Other(changed(settings, overrides), limit) if overrides else None
            if again is None:
                continue
            try:
                result = again.run(record)
            except InputError as error:
                self._note(f"cycle {record.cycle} cannot be repeated: {error}")
                continue
            if other is not None:
                result = other.run(result, again)
            results.append(result)
            every(result)
        return results

    def _planner(self, serial: int) -> Exact | None:
        """Return the planner of recorded settings; None if it cannot be built here."""
        try:
            return Exact(self.recorded[serial])
        except GpcError as error:
            self._note(f"cycles of parameters number {serial} cannot be repeated: {error}")
            return None

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def changed(settings: PlannerSettings, overrides: Mapping[str, str]) -> PlannerSettings:
    """Return the planner's settings with some replaced.

    Args:
        settings: the recorded settings.
        overrides: values by planner.NAME or task.NAME.

    Raises:
        ConfigError: a wrong prefix, an unknown name or an invalid value.
    """
    own: dict[str, Any] = {}
    task = parse_assignments(settings.task_params, "task_params")
    for name, value in overrides.items():
        if name.startswith(_PLANNER):
            own[name.removeprefix(_PLANNER)] = value
        elif name.startswith(_TASK):
            task[name.removeprefix(_TASK)] = value
        else:
            raise ConfigError(
                f"'{name}': begin with 'planner.' or 'task.', as in planner.num_rollouts=32 or "
                "task.cost.yaw=1"
            )
    own["task_params"] = ",".join(f"{k}={v}" for k, v in task.items())
    result = config.replace(settings, own, "--set")
    make_task(result.task, task)
    return result
