"""Emulate the computer of a Go2: accept or refuse LowCmds, and run the built-in sport mode.

A LowCmd that is damaged, not low level, of an unknown motor mode or with gains out of range is
refused and counted. While the sport mode is active it moves the legs, and no LowCmd reaches a
motor; it must be released through the motion switcher first. Unitree publishes no ranges of gains;
those here belong to this emulator.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.robot.joints import LIE, STAND
from gpc_ros.robot.model import Gains
from gpc_ros.robot.types import JointCommand
from gpc_ros.unitree.codec import command_from_low_cmd
from gpc_ros.unitree.low_level_messages import (
    COMMAND,
    HEAD,
    IDLE,
    LOW_LEVEL,
    SERVO,
    FrameError,
    Record,
    intact,
)

SPORT_MODE = "normal"  # the name that the motion switcher gives it


@dataclass(frozen=True)
class FirmwareConfig:
    """Gains that the emulated robot accepts, and its sport mode."""

    kp_max: float = param(500.0, "Largest accepted gain kp", unit="N m/rad", low=0.0, high=10000.0)
    kd_max: float = param(20.0, "Largest accepted gain kd", unit="N m s/rad", low=0.0, high=1000.0)
    sport_mode: bool = param(True, "Whether the built-in sport mode is active at the start")
    sport_speed: float = param(
        1.5, "Fastest joint when sport mode stands up or lies down", unit="rad/s", low=0.1, high=10
    )


class Firmware:
    """The robot's own computer, without its wires.

    :meth:`receive` and the services may be called from another thread than :meth:`command`.

    Attributes:
        counters: LowCmds by result.
        last_refusal: why the last one was refused, in plain words; empty if none was.
        answered: tick of the LowState that the last accepted one answers [ms]; 0 if it does not
            contain it (see the parameter ``echo`` of the driver).
    """

    def __init__(self, config: FirmwareConfig, gains: Gains) -> None:
        """Switch on.

        Args:
            config: accepted gains and sport mode.
            gains: of the sport mode's own controller.
        """
        self.config = config
        self._gains = gains
        self._newest: deque[JointCommand] = deque(maxlen=1)
        self._sport = config.sport_mode
        self._pose = STAND  # where sport mode wants the joints
        self._target: Array | None = None  # where they are to be now
        self.counters = dict.fromkeys(
            ("accepted", "bad_frame", "bad_crc", "bad_head", "bad_level", "bad_mode", "bad_value",
             "bad_gain", "sport_mode_active"), 0,
        )  # fmt: skip
        self.last_refusal = ""
        self.answered = 0

    def receive(self, data: bytes) -> bool:
        """Take in a LowCmd as it came over the wire; return whether the motors will follow it."""
        try:
            record = COMMAND.decode(data)
        except FrameError as error:
            return self._refuse("bad_frame", str(error))
        name, why = self._fault(record)
        if name:
            return self._refuse(name, why)
        self.counters["accepted"] += 1
        self.answered = int(record["reserve"])
        self._newest.append(command_from_low_cmd(record))
        return True

    def _fault(self, record: Record) -> tuple[str, str]:
        """Return counter and description of the defect of a LowCmd; empty if it has none."""
        motors = record["motor"][:12]
        if not intact(record):
            return "bad_crc", "the CRC is wrong"
        if tuple(record["head"]) != HEAD:
            return "bad_head", f"head {record['head'].tolist()}, expected {list(HEAD)}"
        if record["level_flag"] != LOW_LEVEL:
            return "bad_level", f"level flag {record['level_flag']:#x}, expected {LOW_LEVEL:#x}"
        if not np.isin(motors["mode"], (IDLE, SERVO)).all():
            return "bad_mode", f"motor modes {motors['mode'].tolist()}"
        values = np.stack([motors[name] for name in ("q", "dq", "tau", "kp", "kd")])
        if not np.isfinite(values).all():
            return "bad_value", "a value is not finite"
        kp, kd = values[3], values[4]
        c = self.config
        if kp.min() < 0 or kp.max() > c.kp_max or kd.min() < 0 or kd.max() > c.kd_max:
            return "bad_gain", f"gains kp {kp.min()}..{kp.max()}, kd {kd.min()}..{kd.max()}"
        if self._sport:
            return "sport_mode_active", "the sport mode is active; release it first"
        return "", ""

    def _refuse(self, name: str, why: str) -> bool:
        self.counters[name] += 1
        self.last_refusal = why
        return False

    def command(self, position: Array, period: float) -> JointCommand | None:
        """Return the command of the motors for the coming period; None without a new one.

        Args:
            position: of the joints now (12,) [rad].
            period: [s].
        """
        if self._sport:
            return self._sport_command(position, period)
        self._target = None
        return self._newest.popleft() if self._newest else None

    def _sport_command(self, position: Array, period: float) -> JointCommand:
        """Return the sport mode's command: slowly to its pose, then hold it."""
        target = position if self._target is None else self._target
        step = self.config.sport_speed * period
        self._target = target = target + np.clip(self._pose - target, -step, step)
        zero = np.zeros(12)
        return JointCommand(target, zero, zero, self._gains.kp, self._gains.kd)

    # Services of the robot, with the names of Unitree's SDK.

    def check_mode(self) -> str:
        """Return the name of the active mode; empty if it was released."""
        return SPORT_MODE if self._sport else ""

    def release_mode(self) -> None:
        """End the sport mode: the motors wait for low-level commands."""
        self._newest.clear()
        self._sport = False

    def select_mode(self, name: str) -> bool:
        """Start the sport mode again; return False if the name is unknown."""
        if name != SPORT_MODE:
            return False
        self._pose, self._sport = STAND, True
        return True

    def stand_up(self) -> None:
        """Let the sport mode stand up."""
        self._pose = STAND

    def stand_down(self) -> None:
        """Let the sport mode lie down."""
        self._pose = LIE
