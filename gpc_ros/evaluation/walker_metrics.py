"""The metrics of measured walkers and their table for comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Metrics of one trial by name.
Row = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """All metrics of a walker.

    Attributes:
        tracking: one trial per command of the grid.
        response: one trial per step of the command.
        impulses: one trial per side.
        endurance: one trial per changed robot.
        pushing: one trial per box.
        agreement: distance of the planner's model from the plant after 0.2 s, one row per state of
            an episode.
        step_us: time of a step for 16 candidates [us].
    """

    tracking: list[Row]
    response: list[Row]
    impulses: list[Row]
    endurance: list[Row]
    pushing: list[Row]
    agreement: list[Row]
    step_us: float

    def figures(self) -> dict[str, str]:
        """Return the values of the table by title."""
        speed = np.mean([row["speed_error"] for row in self.tracking])
        turning = np.mean([row["yaw_rate_error"] for row in self.tracking])
        times = [row["seconds"] for row in self.response]
        return {
            "speed error, mean of the grid [m/s]": f"{speed:.3f}",
            "yaw rate error, mean of the grid [rad/s]": f"{turning:.3f}",
            "falls on the grid": f"{_falls(self.tracking)} of {len(self.tracking)}",
            "time to 90 % of a command [s]": ", ".join(
                "never" if t is None else f"{t:.2f}" for t in times
            ),
            **{
                f"falls after impulses of {size:g} m/s": _falls_text(
                    [row for row in self.impulses if row["impulse"] == size]
                )
                for size in sorted({row["impulse"] for row in self.impulses})
            },
            "falls of changed robots, 60 s": _falls_text(self.endurance),
            **{
                f"box of {row['mass']:g} kg, 10 s": (
                    "fell" if row["fell"] else f"pushed {row['pushed']:.2f} m"
                )
                for row in self.pushing
            },
            **{
                f"models apart after 0.2 s, {title}, mean (95 %)": _apart(
                    [row for row in self.agreement if row["touching"] == touching]
                )
                for title, touching in (("walking", False), ("pushing", True))
            },
            "a step of 16 candidates [us]": f"{self.step_us:.0f}",
        }


def table(found: Mapping[str, Measured]) -> str:
    """Return a Markdown table of the metrics of several walkers."""
    columns = [measured.figures() for measured in found.values()]
    lines = [f"| | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    for title in columns[0]:
        lines.append(f"| {title} | {' | '.join(column[title] for column in columns)} |")
    return "\n".join(lines)


def _apart(rows: Sequence[Row]) -> str:
    """Return mean and 95th percentile of the distances between the models as text."""
    if not rows:
        return "-"
    parts = []
    for name, unit in (("position", "m"), ("yaw", "rad"), ("joints", "rad")):
        values = [row[name] for row in rows]
        parts.append(f"{np.mean(values):.3f} ({np.percentile(values, 95):.3f}) {unit}")
    return ", ".join(parts)


def _falls(rows: Sequence[Row]) -> int:
    return sum(bool(row["fell"]) for row in rows)


def _falls_text(rows: Sequence[Row]) -> str:
    return f"{_falls(rows)} of {len(rows)}"
