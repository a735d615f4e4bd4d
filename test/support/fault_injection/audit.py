"""Check every joint command that was sent against every limit, outside the bridge."""

from __future__ import annotations

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.robot.joints import JOINT_NAMES, LOWER, TORQUE_LIMIT, UPPER, VELOCITY_LIMIT
from gpc_ros.robot.types import JointCommand
from gpc_ros.safety.limits import LimitsConfig

# Largest gains that may be sent, deliberately not read from the code under test.
_KP, _KD = 200.0, 10.0


class CommandAudit:
    """Check a stream of commands, one source at a time.

    Attributes:
        checked: number of checked commands.
        lost: commands that were sent but not seen, by their sequence numbers.
        violations: descriptions of the violated limits.
    """

    def __init__(self, config: LimitsConfig | None = None, tolerance: float = 1e-9) -> None:
        """Check against the limits of a configuration.

        Args:
            config: the limits.
            tolerance: rounding error of numbers that were sent in a message.
        """
        self.config = config or LimitsConfig()
        self._tolerance = tolerance
        self._low = LOWER + self.config.soft_margin - tolerance
        self._high = UPPER - self.config.soft_margin + tolerance
        self._last: tuple[str, int, Array] | None = None
        self.checked = self.lost = 0
        self.violations: list[str] = []

    def check(self, command: JointCommand, source: str, sequence: int) -> None:
        """Check the next command of a source."""
        self.checked += 1
        last, self._last = self._last, None
        following = last is not None and last[0] == source
        if following and last is not None and sequence > last[1] + 1:
            self.lost += sequence - last[1] - 1
        values = np.concatenate(list(vars(command).values()))
        where = f"command {sequence} of {source}"
        if not np.isfinite(values).all():
            self.violations.append(f"{where} is not finite")
            return
        for name, gain, largest in (("kp", command.kp, _KP), ("kd", command.kd, _KD)):
            if gain.min() < 0.0 or gain.max() > largest + self._tolerance:
                self.violations.append(f"{where} has a gain {name} outside [0, {largest}]")
        self._beyond(where, "velocity", np.abs(command.velocity) - VELOCITY_LIMIT - self._tolerance)
        self._beyond(where, "torque", np.abs(command.effort) - TORQUE_LIMIT - self._tolerance)
        if not command.kp.any():
            # It only brakes: it has no position target, so the next target may be arbitrary.
            self._last = (source, sequence, np.full(12, np.nan))
            return
        self._beyond(where, "position", np.maximum(self._low - command.position, 0.0))
        self._beyond(where, "position", np.maximum(command.position - self._high, 0.0))
        if following and last is not None and sequence == last[1] + 1:
            step = np.abs(command.position - last[2]) - self.config.max_step - self._tolerance
            self._beyond(where, "step", np.nan_to_num(step, nan=-1.0))
        self._last = (source, sequence, command.position)

    def _beyond(self, where: str, what: str, beyond: Array) -> None:
        """Record the amount of a violation, if any."""
        worst = int(beyond.argmax())
        if beyond[worst] > 0.0:
            self.violations.append(
                f"{where}: {what} of {JOINT_NAMES[worst]} is {beyond[worst]:.4g} over its limit"
            )
