"""Plan the cycles of a bag again: exactly, and with other settings side by side.

Every recorded cycle is given to the planner of the recorded settings, which must come to the same
plan bit for bit, and to a second planner with other settings ("what if"). That one sees the
recorded states too: what would have happened if its plans had been walked is not known.
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

# Parameters of the planner are set as planner.NAME, those of its task as task.NAME.
_PLANNER, _TASK = "planner.", "task."


class Replay:
    """The planning cycles of a bag, ready to be planned again.

    Attributes:
        records: every readable cycle in the order of the bag.
        recorded: settings of the planner by serial number.
        problems: unreadable cycles and settings, each in a sentence.
        lost: cycles whose record is missing between the first and the last one.
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
            settings: its settings, if they have been read already.
            messages: its cycle messages in order, if they have been read already.

        Raises:
            BagError: the bag holds no cycle, or not the planner's parameters.
        """
        check_version(reader)
        self.problems = reader.problems
        self.recorded: dict[int, PlannerSettings] = {}
        for said in read_settings(reader) if settings is None else settings:
            if said.node.rpartition("/")[2] == "planner":
                self.recorded[said.serial] = settings_as(PlannerSettings(), said, self.problems)
        name = topics.find(reader, topics.CYCLE)
        if not name:
            raise BagError(
                f"{reader.path}: holds no planning cycles (topic {topics.CYCLE.name}); bags have "
                "them if the planner had a goal and they are of this version or a later one"
            )
        if not self.recorded:
            raise BagError(
                f"{reader.path}: does not hold the planner's parameters (topic "
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
        """Plan every cycle again.

        Args:
            overrides: other settings for the comparison, as planner.NAME or task.NAME; empty
                replays only.
            limit: what ends a cycle of the other settings: ``none``, or ``live`` for the recorded
                share of the period on this machine's clock.
            every: called after each cycle.

        Returns:
            Every cycle that could be repeated; the others are among the problems.

        Raises:
            ConfigError: an override has an unknown name or a bad value.
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
        """Return the planner of recorded settings; None if there cannot be one here."""
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
        settings: recorded ones.
        overrides: values by planner.NAME or task.NAME.

    Raises:
        ConfigError: another prefix, an unknown name or a bad value.
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
