"""Convert records of planning cycles to and from gpc_msgs/PlannerCycle, without ROS."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import InputError
from gpc_ros.planning.cycle import CycleInputs, CycleRecord, DeadlineDrops
from gpc_ros.planning.memory import PlannerMemory
from gpc_ros.planning.plan import ROBOT, Plan


def cycle_fields(record: CycleRecord) -> dict[str, Any]:
    """Return the message fields of a record, without the header."""
    i, plan = record.inputs, record.plan
    drops = record.drops or DeadlineDrops(0.0)
    columns: list[list[int]] = [list(c) for c in zip(*drops.drops, strict=True)] or [[], [], []]
    return {
        "cycle": record.cycle,
        "settings": record.settings,
        "stamp": float(i.stamp),
        "now": float(i.now),
        "qpos": i.qpos.tolist(),
        "qvel": i.qvel.tolist(),
        "walker_state": i.walker_state.tolist(),
        "goal": i.goal,
        "memory": i.memory,
        "limited": record.drops is not None,
        "plan_time": float(drops.plan_time),
        "missed": bool(drops.missed),
        "drop_round": columns[0],
        "drop_interval": columns[1],
        "drop_kept": columns[2],
        "completed": record.completed,
        "id": 0 if plan is None else plan.id,
        "hold_reason": record.hold_reason,
        "start": 0.0 if plan is None else float(plan.start),
        "expiry": 0.0 if plan is None else float(plan.expiry),
        "cost": 0.0 if plan is None else float(plan.cost),
        "knots": [] if plan is None else plan.knots.ravel().tolist(),
        "start_qpos": record.start_qpos.tolist(),
        "start_qvel": record.start_qvel.tolist(),
        "candidates": record.candidates.ravel().tolist(),
        "costs": record.costs.tolist(),
        "indices": record.indices,
        "proposed": record.proposed,
    }


def cycle_record_from_msg(message: Any, task: str, knot_dt: float, order: int) -> CycleRecord:
    """Return the record of a message.

    Args:
        message: a message with the fields of gpc_msgs/PlannerCycle as attributes.
        task: name of the planner's task.
        knot_dt: time between knots [s].
        order: spline order.

    Raises:
        InputError: the message is malformed.
    """
    m = message
    columns = [
        getattr(m, f"drop_{name}", getattr(m, f"cut_{name}", ()))  # cut_*: version 0.1.0
        for name in ("round", "interval", "kept")
    ]
    drops = tuple((int(r), int(t), int(kept)) for r, t, kept in zip(*columns, strict=True))
    costs = np.asarray(m.costs, dtype=np.float64)
    rows = len(m.candidates) // max(3 * len(costs), 1)
    if rows * 3 * len(costs) != len(m.candidates):
        raise InputError(
            f"cycle {m.cycle}: {len(m.candidates)} candidate values, {len(costs)} costs"
        )
    plan = None
    if m.id:
        plan = Plan(
            id=int(m.id) - _id_offset(m),
            task=task,
            robot=ROBOT,
            stamp=_msg_stamp(m),
            start=float(m.start),
            expiry=float(m.expiry),
            knots=_array(m.knots).reshape(-1, 3),
            knot_dt=knot_dt,
            order=order,
            cost=float(m.cost),
        )
    return CycleRecord(
        cycle=int(m.cycle),
        settings=int(m.settings),
        inputs=CycleInputs(
            stamp=float(m.stamp),
            now=float(m.now),
            qpos=_array(m.qpos),
            qvel=_array(m.qvel),
            walker_state=_array(m.walker_state),
            goal=_array(m.goal),
            memory=str(m.memory),
        ),
        drops=DeadlineDrops(float(m.plan_time), bool(m.missed), drops) if m.limited else None,
        plan=plan,
        hold_reason=str(m.hold_reason),
        completed=int(m.completed),
        start_qpos=_array(m.start_qpos),
        start_qvel=_array(m.start_qvel),
        candidates=_array(m.candidates).reshape(len(costs), rows, 3),
        costs=costs.copy(),
        indices=[int(i) for i in m.indices],
        proposed=[int(i) for i in m.proposed],
    )


def _msg_stamp(message: Any) -> float:
    """Return the stamp of a cycle's plan; a plan that stays in force keeps its first stamp."""
    previous = PlannerMemory.from_json(str(message.memory)).previous
    if previous is not None and previous.id + _id_offset(message) == int(message.id):
        return previous.stamp
    return float(message.stamp)


def _id_offset(message: Any) -> int:
    """Return published minus recorded plan id, which differ in version 0.1.0 only."""
    return int(getattr(message, "id_offset", 0))


def _array(values: Any) -> Array:
    return np.array(values, dtype=np.float64)
