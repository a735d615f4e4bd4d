"""Decide in the driver's process which readings pass and which command the motors get.

The driver stands between the robot and the bridge, which may stall or be killed. It passes valid
readings on, sends the bridge's commands while they arrive, and damps otherwise. After damping for
lack of commands it withholds readings until the bridge itself damps: the bridge's supervisor then
detects a silent robot, and the motion is not resumed.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpc_ros.common.config import param
from gpc_ros.common.errors import InputError
from gpc_ros.common.scheduling import Scheduling
from gpc_ros.robot import ceilings
from gpc_ros.robot.joints import from_sdk
from gpc_ros.robot.types import JointCommand
from gpc_ros.unitree.codec import command_to_low_cmd, new_command, write_rows
from gpc_ros.unitree.low_level_messages import COMMAND, STATE, FrameError, Record, intact, seal
from gpc_ros.unitree.tick_clock import TickClock

# Messages in a row in which a motor's count of lost packets rises until it counts as lost.
_LOST = 5
# LowStates in a row with the same tick after which it is reported to stand still, and advances of
# the tick after which the robot's motors may be taken over.
_STANDING, _STEADY = 10, 5
# Number of own messages that are kept to recognize messages of other senders.
_REMEMBERED = 256


@dataclass(frozen=True)
class UnitreeConfig:
    """How a Go2 is reached through Unitree's SDK."""

    interface: str = param("lo", "Network interface that the robot is on")
    sdk_domain: int = param(0, "DDS domain of the robot; not that of ROS", low=0, high=230)
    silence: float = param(
        0.05, "Silence of the bridge after which the robot damps", unit="s", low=0.004, high=2.0
    )
    exit_damping: float = param(
        2.0, "How long the robot is damped at the end", unit="s", low=0.1, high=20.0
    )
    echo: bool = param(
        False, "Write the tick that a LowCmd answers into its field 'reserve', to measure latency"
    )
    release: bool = param(True, "Lay the robot down and release its sport mode at the start")
    scheduling: Scheduling = Scheduling("upper", 35)


@dataclass(frozen=True, slots=True)
class Received:
    """A LowState that passed: its stamp [s], the lost motors (12,), its fields."""

    stamp: float
    lost: NDArray[np.bool_]
    record: Record


class Driver:
    """The decisions of the driver's process. Nothing here blocks or raises on bad input.

    :meth:`take_state` may be called from another thread than the rest.

    Attributes:
        counters: accepted, sent and refused messages.
        complaint: why readings are withheld, in plain words; empty if they are not.
        ready: whether commands may be sent; False while the sport mode is still on.
    """

    def __init__(self, config: UnitreeConfig, damping: float, dry_run: bool) -> None:
        """Start before the first LowState.

        Args:
            config: times.
            damping: gain kd of the driver's own damping [N m s/rad].
            dry_run: never send.
        """
        self.config, self.dry_run = config, dry_run
        self.counters = dict.fromkeys(
            ("states", "states_bad_frame", "states_bad_crc", "states_repeated", "commands_sent",
             "commands_refused", "silences", "stalls"), 0,
        )  # fmt: skip
        self.complaint = ""
        self.ready = False
        self._clock = TickClock()
        self._damaged = False  # whether the last LowState was
        self._repeated = 0  # LowStates in a row whose tick did not advance
        self._advances = 0  # advances of the tick since it last stood still or went back
        self._tick = 0
        self._missed = np.zeros(12, dtype=np.uint32)  # packets of each motor, SDK's order
        self._losing = np.zeros(12, dtype=np.intp)
        self._record = new_command()
        self._brake = command_to_low_cmd(JointCommand.damping(damping), new_command())
        self.brake = COMMAND.encode(seal(self._brake))
        self._data = self.brake
        # Whether the last command was stiff, and its position targets (12,), model order.
        self._stiff, self._target = False, np.zeros(12, dtype=np.float32)
        self._heard = -math.inf  # when the bridge last sent a command [s]
        self._cycled = math.inf  # when the loop of the process last ran [s]
        self._sent: deque[int] = deque([int(self._brake["crc"])], maxlen=_REMEMBERED)
        self._other_sent = -math.inf

    def take_state(self, data: bytes, arrival: float) -> Received | None:
        """Take in a LowState; return None if it is damaged or repeated.

        Args:
            data: from the wire.
            arrival: on the clock that stamps are on [s].
        """
        self._damaged = True
        restarts = self._clock.restarts
        try:
            record = STATE.decode(data)
        except FrameError:
            self.counters["states_bad_frame"] += 1
            return None
        if not intact(record):
            self.counters["states_bad_crc"] += 1
            return None
        self._damaged = False
        self._tick = int(record["tick"])
        stamp = self._clock.stamp(self._tick, arrival)
        if stamp is None:
            self.counters["states_repeated"] += 1
            self._repeated += 1
            if self._repeated >= _STANDING:
                self._advances = 0
            return None
        self._repeated = 0
        self._advances = self._advances + 1 if self._clock.restarts == restarts else 0
        self.counters["states"] += 1
        missed = record["motor"]["lost"][:12]
        self._losing = np.where(missed > self._missed, self._losing + 1, 0)
        self._missed = missed.copy()
        return Received(stamp, from_sdk((self._losing >= _LOST).astype(float)) > 0.0, record)

    @property
    def steady(self) -> bool:
        """Whether the tick of the robot has advanced several times, as that of a running one."""
        return self._advances > _STEADY

    def expect_robot(self) -> None:
        """Require that the tick advances several times again, as after a long silence."""
        self._advances = 0

    @property
    def delivers(self) -> bool:
        """Whether readings go to the bridge: after the take-over, and while it is not silent."""
        return (self.ready or self.dry_run) and not self.complaint

    def begin(self, now: float) -> None:
        """Take over the motors at a time [s, monotonic]; they damp until the first command."""
        self._data, self._stiff = self.brake, False
        self.ready, self._heard, self._cycled = True, now, now

    def cycle(self, now: float) -> None:
        """Note a cycle of the process; after a long pause of its own it damps first.

        The robot's watchdog has damped the motors meanwhile, so the next stiff command is not sent
        before the bridge itself has damped.

        Args:
            now: monotonic [s].
        """
        pause, self._cycled = now - self._cycled, now
        if self.ready and not self.complaint and pause > self.config.silence:
            self.counters["stalls"] += 1
            self._fall_back(f"damping: the driver's process stood still for {pause:.3f} s")

    def take_command(self, command: JointCommand, now: float, tick: int = 0) -> None:
        """Take in a command of the bridge.

        Args:
            command: of any content; a bad one is refused and the robot damps.
            now: monotonic [s].
            tick: of the reading that it answers [ms].
        """
        try:
            rows = ceilings.to_wire(command)
        except InputError as error:
            self.counters["commands_refused"] += 1
            self._fall_back(f"damping: {error}")
            return
        self._heard = now
        if self.complaint and command.kp.any():
            return  # the bridge has to damp itself before it is followed again
        self.complaint = ""
        if self._stiff and command.kp.any():
            rows[0] = ceilings.limit_step(rows[0], self._target)
        self._stiff, self._target = bool(command.kp.any()), rows[0]
        write_rows(rows, self._record)
        if self.config.echo:
            self._record["reserve"] = tick
        self._data = COMMAND.encode(seal(self._record))
        self._sent.append(int(self._record["crc"]))

    def frame(self, now: float) -> bytes | None:
        """Return the LowCmd to send at a time [s, monotonic], or None to send nothing."""
        if not self.ready or self.dry_run:
            return None
        if not self.complaint and now - self._heard > self.config.silence:
            self.counters["silences"] += 1
            self._fall_back(f"damping: the bridge was silent for {now - self._heard:.3f} s")
        self.counters["commands_sent"] += 1
        return self._data

    def _fall_back(self, why: str) -> None:
        self.complaint = why
        self._data, self._stiff = self.brake, False

    def take_order(self, data: bytes, now: float) -> None:
        """Check whether a LowCmd on the wire is from another sender.

        Args:
            data: as it came.
            now: monotonic [s].
        """
        if int.from_bytes(data[COMMAND.size - 4 : COMMAND.size], "little") not in self._sent:
            self._other_sent = now

    def other_sender(self, now: float) -> bool:
        """Return whether another sender was active in the last half second [s, monotonic].

        Before the motors are taken over, LowCmds of the sport mode are expected.
        """
        return self.ready and now - self._other_sent < 0.5

    def standing(self) -> str:
        """Return that the tick of the LowStates stands still; empty if it does not."""
        if self._repeated < _STANDING:
            return ""
        return (
            f"LowStates arrive, but their tick stands still at {self._tick} ms: the robot's "
            f"computer has stopped, or its simulator counts no ticks {self._where()}"
        )

    def unheard(self) -> str:
        """Return why no LowState passes, in plain words."""
        standing = self.standing()
        if standing:
            return standing
        where = self._where()
        if self._damaged:
            return f"every LowState is damaged: wrong CRC or length {where}"
        if self._advances:
            return f"waiting until the tick of the LowStates has advanced {_STEADY} times {where}"
        return f"no LowState from a robot {where}"

    def _where(self) -> str:
        """Return domain and interface of the robot's network, for sentences."""
        return f"(domain {self.config.sdk_domain}, {self.config.interface})"
