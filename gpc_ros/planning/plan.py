"""The plan: what the planner decides and the bridge executes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array, validate_array
from gpc_ros.common.errors import InputError
from gpc_ros.common.splines import ORDERS, basis

ROBOT = "go2"


@dataclass(frozen=True, eq=False)
class Plan:
    """A spline of velocity commands with a beginning and an end.

    Attributes:
        id: increases with every plan of a planner.
        task: name of its task.
        robot: name of its robot.
        stamp: time of the state that it was planned from [s].
        start: time of the first knot [s].
        expiry: time after which the plan must not be followed [s].
        knots: (K, 3) vx [m/s], vy [m/s], yaw rate [rad/s], heading frame.
        knot_dt: time between knots [s].
        order: of the spline, 0, 1 or 3.
        cost: predicted cost of the plan.
    """

    id: int
    task: str
    robot: str
    stamp: float
    start: float
    expiry: float
    knots: Array
    knot_dt: float
    order: int
    cost: float

    def __post_init__(self) -> None:
        """Validate the fields.

        Raises:
            InputError: a field is not finite, has a wrong shape or an impossible value.
        """
        validate_array(self.knots, (-1, 3), f"plan {self.id}: knots")
        validate_array(
            [self.stamp, self.start, self.expiry, self.knot_dt],
            (4,),
            f"plan {self.id}: stamp, start, expiry, knot_dt [s]",
        )
        if len(self.knots) == 0 or self.knot_dt <= 0.0:
            raise InputError(
                f"plan {self.id}: needs at least one knot and a positive knot_dt, has "
                f"{len(self.knots)} knots and knot_dt {self.knot_dt} s"
            )
        if self.order not in ORDERS.values():
            raise InputError(
                f"plan {self.id}: spline order {self.order} is not one of {sorted(ORDERS.values())}"
            )

    def command(self, time: float) -> Array:
        """Return the command (3,) at a time [s]: zero once the plan has expired."""
        if time >= self.expiry:
            return np.zeros(3)
        since = np.array([max(time - self.start, 0.0)])
        command: Array = (basis(since, len(self.knots), self.knot_dt, self.order) @ self.knots)[0]
        return command
