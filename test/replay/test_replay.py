"""Recorded cycles are replayed bit for bit, from any cycle, and with other settings."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter, Qos
from gpc_ros.cli.main import main
from gpc_ros.common import config
from gpc_ros.common.errors import BagError, ConfigError
from gpc_ros.evaluation.lockstep import EpisodeConfig, Lockstep, Observer, PlannerInputs
from gpc_ros.planning.cycle import (
    CycleRecord,
    DeadlineDrops,
    make_cycle_inputs,
    make_cycle_record,
)
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.plan import Plan
from gpc_ros.planning.planner import Planner
from gpc_ros.proposal.sampler import ProposalConfig
from gpc_ros.replay.cycle_records import cycle_fields, cycle_record_from_msg
from gpc_ros.replay.cycle_replay import Replay
from gpc_ros.replay.load_run import load_run
from gpc_ros.settings.node_settings import PlannerSettings
from gpc_ros.settings.planner_setup import make_planner, reconfigured

CYCLE, TEXT = "gpc_msgs/msg/PlannerCycle", "std_msgs/msg/String"
SETTINGS = config.replace(
    PlannerSettings(),
    {
        "task": "navigate",
        "num_rollouts": 4,
        "horizon": 0.4,
        "knots": 3,
        "seed": 5,
        "proposal.file": "none",
    },
    "test",
)
Encoded = Callable[..., bytes]


class Recording(Observer):
    """Records the cycles of a planner."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self.records: list[CycleRecord] = []
        self._settings = 1

    def before_plan(self, lockstep: Lockstep, inputs: PlannerInputs) -> None:
        self._inputs = make_cycle_inputs(self._planner, *inputs)

    def after_plan(self, lockstep: Lockstep, plan: Plan | None, report: PlannerReport) -> None:
        self._add(plan, report)

    def plan(self, state: Any, walker_state: Any, goal: Any, now: float) -> tuple[Plan | None, Any]:
        """Run and record a cycle."""
        self._inputs = make_cycle_inputs(self._planner, state, walker_state, goal, now)
        plan, report = self._planner.plan(state, walker_state, goal, now)
        self._add(plan, report)
        return plan, report

    def _add(self, plan: Plan | None, report: PlannerReport) -> None:
        number = len(self.records) + 1
        self.records.append(
            make_cycle_record(
                self._inputs, plan, report, limited=False, cycle=number, settings=self._settings,
            )
        )  # fmt: skip

    def go_on_with(self, settings: PlannerSettings) -> None:
        """Change parameters as the node does."""
        self._planner = reconfigured(self._planner, settings)
        self._settings += 1


@pytest.fixture(scope="module")
def records() -> list[CycleRecord]:
    """Return the cycles of two seconds of walking in lockstep."""
    own = EpisodeConfig().planner
    # Plans are judged without the learned cost-to-go of a proposal.
    planner = replace(
        own, num_rollouts=4, horizon=0.4, knots=3, proposal=ProposalConfig(file="none")
    )
    lockstep = Lockstep(
        EpisodeConfig(task="navigate", duration=2.0, planner=planner),
        seed=5,
        optimizer=config.flatten(SETTINGS.cem),
    )
    recording = lockstep.observer = Recording(lockstep.planner)
    lockstep.get_ready()
    lockstep.run()
    return recording.records


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, encoded: Encoded) -> Write:
    """Return a function that writes a bag with cycles and the planner's parameters."""

    def make(
        records: list[CycleRecord],
        name: str = "bag",
        parameters: dict[str, Any] | None = None,
        prefix: str = "/",
        info: dict[str, str] | None = None,
        later: dict[str, Any] | None = None,
    ) -> Path:
        writer = BagWriter(tmp_path / name, info)
        first = config.flatten(SETTINGS) if parameters is None else parameters
        for serial, values in enumerate([first, later], 1):
            if values:
                content = {"node": "planner", "serial": serial, "parameters": values}
                writer.add_topic(f"{prefix}parameters", TEXT)
                text = encoded(TEXT, data=json.dumps({**content, "card": {"of": "none"}}))
                writer.write(f"{prefix}parameters", text, serial)
        for record in records:
            topic = f"{prefix}planner/cycle"
            writer.add_topic(topic, CYCLE)
            data = encoded(CYCLE, header={}, **cycle_fields(record))
            writer.write(topic, data, round(record.inputs.now * 1e9))
            if record.cycle % 3 == 0:
                writer.flush()
        writer.close()
        return tmp_path / name

    return make


def test_a_lockstep_bag_is_reproduced_bit_for_bit(records: list[CycleRecord], write: Write) -> None:
    replay = Replay(BagReader(write(records, prefix="/go2/")))
    results = replay.run()
    assert len(results) == len(records) == 20
    assert all(r.exact for r in results)
    assert all(r.chained for r in results)  # no memory was restored from a record
    assert replay.problems == [] and replay.lost == 0
    for result, record in zip(results, records, strict=True):
        assert record.plan is not None and result.again.plan is not None
        assert result.again.plan.knots.tobytes() == record.plan.knots.tobytes()
        assert result.record.candidates.tobytes() == record.candidates.tobytes()


@pytest.mark.parametrize(
    "change",
    [{"cem.noise.sigma": (0.2, 0.2, 0.5), "task_params": "cost.distance=3"}, {"num_rollouts": 7}],
)
def test_parameter_changes_during_the_run_are_replayed(
    records: list[CycleRecord], write: Write, change: dict[str, Any]
) -> None:
    other = config.replace(SETTINGS, change, "test")
    recording = Recording(make_planner(SETTINGS))
    for number, record in enumerate(records[:8]):
        if number == 4:
            recording.go_on_with(other)
        i = record.inputs
        recording.plan(i.state(()), i.walker_state, i.goal, i.now)
    bag = write(recording.records, later=config.flatten(other))
    results = Replay(BagReader(bag)).run()
    assert len(results) == 8 and all(result.exact for result in results)
    assert [r.record.completed for r in results] == [4] * 4 + [other.num_rollouts] * 4


def test_a_replay_may_begin_anywhere_and_bridges_gaps(
    records: list[CycleRecord], write: Write
) -> None:
    replay = Replay(BagReader(write([*records[6:9], *records[12:]])))
    results = replay.run()
    assert all(r.exact for r in results)
    assert [r.record.cycle for r in results if not r.chained] == [7, 13]
    assert replay.lost == 3


def test_a_plan_that_differs_from_the_recorded_one_is_detected(
    records: list[CycleRecord], write: Write
) -> None:
    plan = records[3].plan
    assert plan is not None
    knots = plan.knots.copy()
    knots[1, 2] = np.nextafter(knots[1, 2], 9.0)
    forged = [*records[:3], replace(records[3], plan=replace(plan, knots=knots)), *records[4:]]
    results = Replay(BagReader(write(forged))).run()
    assert [r.record.cycle for r in results if not r.exact] == [4]
    assert 0.0 < results[3].deviation < 1e-12


def test_more_samples_find_cheaper_plans(records: list[CycleRecord], write: Write) -> None:
    replay = Replay(BagReader(write(records)))
    results = replay.run({"planner.num_rollouts": "24"})
    assert all(r.exact for r in results)
    again = [r.again.judged for r in results]
    other = [r.other.judged for r in results if r.other]
    # Under the recorded settings a plan's cost equals its prediction, except for the rounding of
    # the walker's single precision in a batch of another size.
    np.testing.assert_allclose(again, [r.again.cost for r in results], rtol=1e-6)
    assert np.mean(other) < np.mean(again)
    assert all(r.other is not None and r.other.completed == 24 for r in results)
    assert all(np.isfinite(r.difference).all() and r.difference.max() > 0.0 for r in results)


def test_the_number_of_threads_does_not_change_plans(
    records: list[CycleRecord], write: Write
) -> None:
    results = Replay(BagReader(write(records))).run({"planner.threads": "2"})
    assert max(float(r.difference.max()) for r in results) == 0.0


@pytest.mark.parametrize(
    "name, value",
    [
        ("planner.horizon", "0.8"),
        ("planner.optimizer", "mppi"),
        ("planner.cem.noise.sigma", "[0.1,0.1,0.1]"),
        ("planner.spline", "cubic"),
        ("planner.knots", "6"),
        ("task.cost.yaw", "3"),
        ("planner.proposal.file", "shipped"),
    ],
)
def test_any_setting_can_be_replaced(
    records: list[CycleRecord], write: Write, name: str, value: str
) -> None:
    results = Replay(BagReader(write(records[:4]))).run({name: value})
    assert all(r.exact for r in results)
    assert max(float(r.difference.max()) for r in results) > 0.0


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"planner.num_rolouts": "3"}, "did you mean 'num_rollouts'"),
        ({"num_rollouts": "3"}, "begin with 'planner.' or 'task.'"),
        ({"task.cost.yawn": "3"}, "did you mean 'cost.yaw'"),
        ({"planner.horizon": "100"}, "outside"),
    ],
)
def test_a_misspelt_setting_is_refused(
    records: list[CycleRecord], write: Write, given: dict[str, str], hint: str
) -> None:
    with pytest.raises(ConfigError, match=hint):
        Replay(BagReader(write(records[:2]))).run(given)


def test_incomplete_bags_are_rejected_with_the_reason(
    records: list[CycleRecord], write: Write
) -> None:
    with pytest.raises(BagError, match="contains no planning cycles"):
        Replay(BagReader(write([])))
    with pytest.raises(BagError, match="lacks the planner's parameters"):
        Replay(BagReader(write(records, "other", {})))


def test_parameters_of_another_version_are_a_problem(
    records: list[CycleRecord], write: Write
) -> None:
    recorded = {**config.flatten(SETTINGS), "gone": 3, "rate": -5.0}
    replay = Replay(BagReader(write(records[:3], parameters=recorded)))
    assert all(r.exact for r in replay.run())
    assert any("unknown parameter 'gone'" in problem for problem in replay.problems)
    assert any("rate: -5.0 Hz is outside" in problem for problem in replay.problems)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ({"task": "navigat!"}, "did you mean 'navigate'"),
        ({"proposal.file": "gone.json"}, "gone.json"),
    ],
)
def test_cycles_with_invalid_settings_are_skipped(
    records: list[CycleRecord], write: Write, damage: dict[str, str], why: str
) -> None:
    recorded = {**config.flatten(SETTINGS), **damage}
    replay = Replay(BagReader(write(records[:3], parameters=recorded)))
    assert replay.run() == []
    assert [p for p in replay.problems if "number 1 cannot be repeated" in p and why in p]


def test_cycles_with_lost_parameters_are_skipped(records: list[CycleRecord], write: Write) -> None:
    strange = [replace(record, settings=2) for record in records[5:]]
    replay = Replay(BagReader(write([*records[:5], *strange])))
    assert len(replay.run()) == 5
    assert any("number 2 are not in the bag" in problem for problem in replay.problems)


def test_a_malformed_cycle_is_skipped_alone(records: list[CycleRecord], write: Write) -> None:
    short = replace(records[2], inputs=replace(records[2].inputs, qpos=np.zeros(3)))
    mad = replace(records[4], inputs=replace(records[4].inputs, memory="?"))
    bag = write([*records[:2], short, records[3], mad, *records[5:]])
    replay = Replay(BagReader(bag))
    results = replay.run()
    assert [r.record.cycle for r in results] == [n for n in range(1, 21) if n not in (3, 5)]
    assert all(r.exact for r in results)
    assert any("cycle 3 cannot be repeated" in problem for problem in replay.problems)


def test_the_command_prints_and_stores_the_results(
    records: list[CycleRecord], write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag, out = write(records), tmp_path / "replay.json"
    assert main(["replay", str(bag)]) == 0
    assert "20 of 20 plans were reproduced bit for bit" in capsys.readouterr().out
    words = ["replay", str(bag), "--set", "planner.num_rollouts=8", "--out", str(out)]
    assert main(words) == 0
    assert "the other plan is better in" in capsys.readouterr().out
    found = json.loads(out.read_text())
    assert found["exact"] == found["cycles_replayed"] == 20
    assert found["set"] == {"planner.num_rollouts": "8"}
    first = found["cycles"][0]
    assert first["other"]["completed"] == 8 and len(first["difference"]) == 3
    assert first["again"]["cost"] == pytest.approx(first["again"]["judged"])


def test_the_command_fails_when_a_plan_differs(
    records: list[CycleRecord], write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = records[0].plan
    assert plan is not None
    forged = [replace(records[0], plan=replace(plan, cost=plan.cost + 1.0)), *records[1:]]
    bag = write(forged, info={"mujoco": "0.9"})
    assert main(["replay", str(bag)]) == 1
    printed = capsys.readouterr().out
    assert "19 of 20 plans" in printed
    assert "mujoco 0.9 in the bag" in printed


NUMBERS = itertools.count()
ANYWHERE = settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@ANYWHERE
@given(share=st.floats(0.0, 1.0))
def test_the_readable_part_of_a_cut_bag_is_replayed(
    records: list[CycleRecord], write: Write, share: float
) -> None:
    name = f"cut{next(NUMBERS)}"
    file = write(records, name) / f"{name}.mcap"
    content = file.read_bytes()
    file.write_bytes(content[: round(share * len(content))])
    reader = BagReader(file)
    try:
        replay = Replay(reader)
    except BagError as error:
        assert "planning cycles" in str(error) or "parameters" in str(error)
        assert share < 0.5 and reader.problems
        return
    numbers = [record.cycle for record in replay.records]
    assert numbers == list(range(1, len(numbers) + 1))
    assert bool(replay.problems) == (share < 1.0)
    replay.records = replay.records[-3:]  # the last cycles before the cut
    assert all(result.exact for result in replay.run())


@ANYWHERE
@given(data=st.data())
def test_a_damaged_bag_is_replayed_or_has_problems(
    records: list[CycleRecord], write: Write, data: st.DataObject
) -> None:
    name = f"damaged{next(NUMBERS)}"
    folder = write(records[:6], name)
    content = bytearray((folder / f"{name}.mcap").read_bytes())
    where = data.draw(st.integers(8, len(content) - 1))
    content[where] ^= data.draw(st.integers(1, 255))
    (folder / f"{name}.mcap").write_bytes(content)
    reader = BagReader(folder)
    try:
        replay = Replay(reader)
    except BagError:
        return
    results = replay.run()
    # A chunk with a wrong checksum is read, and a problem names it.
    assert replay.problems or [r.record.cycle for r in results if r.exact] == list(range(1, 7))
    load_run(reader)


def test_cycles_of_another_version_are_a_problem(
    tmp_path: Path, records: list[CycleRecord], write: Write, message_of: Encoded, encoded: Encoded
) -> None:
    writer = BagWriter(tmp_path / "bag")
    content = {"node": "planner", "serial": 1, "parameters": config.flatten(SETTINGS)}
    writer.add_topic("/parameters", TEXT)
    writer.write("/parameters", encoded(TEXT, data=json.dumps(content)), 1)
    text = "uint64 cycle\nuint32 settings\nfloat64 something_else\n"
    writer.add_foreign_topic("/planner/cycle", CYCLE, text, "", "ros2msg", Qos())
    writer.write("/planner/cycle", message_of(CYCLE, text, cycle=1, settings=1), 5)
    writer.close()
    replay = Replay(BagReader(tmp_path / "bag"))
    assert replay.records == [] and replay.run() == []
    assert any("/planner/cycle: a cycle cannot be read" in p for p in replay.problems)


def test_a_report_without_parameters_names_the_problem(
    records: list[CycleRecord], write: Write
) -> None:
    run = load_run(BagReader(write(records, parameters={})))
    assert run.cycles == []
    assert any("lacks the planner's parameters" in problem for problem in run.problems)


def test_a_cycle_recorded_by_version_0_1_0_is_read(records: list[CycleRecord]) -> None:
    record = replace(records[3], drops=DeadlineDrops(0.04, True, ((0, 8, 3),)))
    assert record.plan is not None
    fields = {**cycle_fields(record), "id": record.plan.id + 1000, "id_offset": 1000}
    for name in ("round", "interval", "kept"):
        fields[f"cut_{name}"] = fields.pop(f"drop_{name}")
    plan = record.plan
    again = cycle_record_from_msg(SimpleNamespace(**fields), "navigate", plan.knot_dt, plan.order)
    assert again.drops == record.drops
    assert again.plan is not None and again.plan.id == plan.id
