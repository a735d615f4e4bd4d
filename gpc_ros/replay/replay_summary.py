"""Present the results of a replay: as JSON, cycle by cycle, and as a short summary."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.replay.cycle_replay import Replay
from gpc_ros.replay.replay_cycles import Outcome, Replayed

# Entries that determine whether arithmetic is bit-exact.
_DECIDING = ("gpc_ros", "mujoco", "numpy", "machine")


def to_json(
    replay: Replay, results: Sequence[Replayed], overrides: dict[str, str], info: dict[str, str]
) -> dict[str, Any]:
    """Return the results as values for JSON; non-finite numbers become null.

    Args:
        replay: the replay.
        results: its cycles.
        overrides: the other settings.
        info: description of the bag's run.
    """
    return {
        "recorded_with": info,
        "replayed_with": made_with(),
        "set": overrides,
        "cycles_recorded": len(replay.records),
        "cycles_lost": replay.lost,
        "cycles_replayed": len(results),
        "exact": sum(r.exact for r in results),
        "memory_restored": sum(not r.chained for r in results),
        "largest_deviation": _number(max((r.deviation for r in results), default=math.nan)),
        "problems": replay.problems,
        "cycles": [_cycle(result) for result in results],
    }


def _cycle(r: Replayed) -> dict[str, Any]:
    drops = r.record.drops
    found: dict[str, Any] = {
        "cycle": r.record.cycle,
        "time": r.record.inputs.now,
        "exact": r.exact,
        "chained": r.chained,
        "deviation": _number(r.deviation),
        "recorded": {
            "plan_time": None if drops is None else _number(drops.plan_time),
            "missed": drops is not None and drops.missed,
            "deadline_drops": [] if drops is None else [list(drop) for drop in drops.drops],
            "hold_reason": r.record.hold_reason,
        },
        "again": _outcome(r.again),
    }
    if r.other is not None:
        found["other"] = _outcome(r.other)
        found["difference"] = [_number(v) for v in r.difference]
    return found


def _outcome(o: Outcome) -> dict[str, Any]:
    return {
        "cost": _number(o.cost),
        "judged": _number(o.judged),
        "plan_time": _number(o.plan_time),
        "completed": o.completed,
        "effective_sample_size": _number(o.effective),
        "hold_reason": o.hold_reason,
        "knots": None if o.plan is None else o.plan.knots.tolist(),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def summary(replay: Replay, results: Sequence[Replayed], info: dict[str, str]) -> str:
    """Return the results as a few lines of text.

    Args:
        replay: the replay.
        results: its cycles.
        info: description of the bag's run.
    """
    lines = [_exactness(replay, results, info)]
    dropped = sum(bool(r.record.drops and r.record.drops.drops) for r in results)
    if dropped:
        lines.append(
            f"{dropped} cycles dropped candidates at their deadline; the replay dropped the same"
        )
    if results and results[0].other is not None:
        lines += _comparison(results)
    return "\n".join(lines)


def _exactness(replay: Replay, results: Sequence[Replayed], info: dict[str, str]) -> str:
    exact = sum(r.exact for r in results)
    text = f"{exact} of {len(results)} plans were reproduced bit for bit"
    if exact < len(results):
        worst = max((r.deviation for r in results if np.isfinite(r.deviation)), default=math.nan)
        text += f"; largest difference of a knot {worst:.3g}"
        here = made_with()
        other = [
            f"{name} {info[name]} in the bag, {here[name]} here"
            for name in _DECIDING
            if name in info and info[name] != here.get(name)
        ]
        text += f" ({'; '.join(other)})" if other else ""
    if replay.lost:
        text += f"; {replay.lost} cycles are missing from the bag"
    return text


def _comparison(results: Sequence[Replayed]) -> list[str]:
    """Return the table of both settings: medians over the cycles in which both made a plan."""
    both = [r for r in results if r.other and r.other.plan is not None and r.again.plan is not None]
    held = sum(r.other is not None and r.other.plan is None for r in results)
    if not both:
        return ["the other settings never made a plan"]
    again, other = [r.again for r in both], [r.other for r in both if r.other]
    rows: list[tuple[str, str, Callable[[list[Outcome]], float]]] = [
        ("predicted cost, by its own settings", ".4g", lambda x: _median(x, "cost")),
        ("cost of the plan, recorded settings", ".4g", lambda x: _median(x, "judged")),
        ("plan time here [ms]", ".1f", lambda x: 1e3 * _median(x, "plan_time")),
        ("plan time here, p99 [ms]", ".1f", lambda x: 1e3 * _p99(x)),
        ("effective sample size", ".1f", lambda x: _median(x, "effective")),
    ]
    lines = [f"{'median over the cycles':<38}{'recorded':>12}{'other':>12}"]
    lines += [
        f"{name:<38}" + "".join(f"{format(value(x), form):>12}" for x in (again, other))
        for name, form, value in rows
    ]
    better = np.array([o.judged < a.judged for a, o in zip(again, other, strict=True)])
    difference = np.nanmean([r.difference for r in both], axis=0)
    lines.append(f"the other plan is better in {100 * better.mean():.0f} % of the cycles")
    vx, vy, rate = difference
    lines.append(
        f"the commands differ by {vx:.2f} m/s, {vy:.2f} m/s and {rate:.2f} rad/s (root mean square)"
    )
    if held:
        lines.append(f"in {held} cycles the other settings made no plan")
    return lines


def _median(outcomes: Sequence[Outcome], name: str) -> float:
    return float(np.nanmedian([getattr(o, name) for o in outcomes]))


def _p99(outcomes: Sequence[Outcome]) -> float:
    values: Array = np.array([o.plan_time for o in outcomes])
    return float(np.percentile(values, 99))
