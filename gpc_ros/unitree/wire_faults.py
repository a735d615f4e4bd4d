"""Faults of the emulated robot's computer and wires, each a live parameter ``wire.*``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.common.config import param
from gpc_ros.robot.joints import JOINT_NAMES, to_sdk
from gpc_ros.robot.types import JointCommand
from gpc_ros.unitree.low_level_messages import STATE, Record, seal

_JOINTS = ("", *JOINT_NAMES)


@dataclass(frozen=True)
class WireFaultConfig:
    """Faults of the emulated robot; every one may change while it runs."""

    silence: bool = param(False, "No LowState is sent", live=True)
    deaf: bool = param(False, "No LowCmd is received, as with a cut cable", live=True)
    bad_crc: bool = param(False, "LowStates have a wrong CRC", live=True)
    frozen: bool = param(False, "The same LowState is sent again and again", live=True)
    frozen_tick: bool = param(False, "The tick of the LowStates stands still", live=True)
    nan: bool = param(False, "LowStates contain NaN", live=True)
    battery: float = param(1.0, "State of charge is at most this", low=0.0, high=1.0, live=True)
    battery_missing: bool = param(
        False,
        "Every field of the battery is zero, as of a robot that does not report it",
        live=True,
    )
    temperature: float = param(
        0.0, "Temperature of the motor named by hot_motor", unit="deg C", low=0, high=250, live=True
    )
    hot_motor: str = param("", "Motor that is hot", choices=_JOINTS, live=True)
    lost_motor: str = param(
        "", "Motor that is lost: no torque, its values stand still", choices=_JOINTS, live=True
    )


class WireFaults:
    """Applies the configured faults to LowStates and motor commands.

    Attributes:
        config: the faults in force; replace it at any time.
    """

    def __init__(self, config: WireFaultConfig) -> None:
        """Start with some faults, or none."""
        self.config = config
        self._frozen: bytes | None = None
        self._tick: int | None = None  # the one that stands still
        self._lost = 0  # messages that the lost motor has missed
        self._stuck: tuple[str, float] = ("", 0.0)  # the lost motor and its last angle

    def frame(self, record: Record) -> bytes | None:
        """Return a LowState as it goes over the wire, or None for silence; seals the record."""
        c = self.config
        if not c.frozen:
            self._frozen = None
        if c.silence:
            return None
        if self._frozen is not None:
            return self._frozen
        motors = record["motor"]
        record["bms"]["soc"] = min(int(record["bms"]["soc"]), round(100 * c.battery))
        if c.battery_missing:
            record["bms"] = np.zeros((), record["bms"].dtype)
        self._stop_tick(record)
        if c.hot_motor:
            motors["temperature"][motor(c.hot_motor)] = round(c.temperature)
        self._lose(record)
        if c.nan:
            record["imu"]["gyroscope"] = np.nan
        seal(record)
        if c.bad_crc:
            record["crc"] ^= 1
        data = STATE.encode(record)
        self._frozen = data if c.frozen else None
        return data

    def _stop_tick(self, record: Record) -> None:
        if not self.config.frozen_tick:
            self._tick = None
            return
        if self._tick is None:
            self._tick = int(record["tick"])
        record["tick"] = self._tick

    def _lose(self, record: Record) -> None:
        motors, name = record["motor"], self.config.lost_motor
        motors["lost"][:12] = 0
        if not name:
            self._lost, self._stuck = 0, ("", 0.0)
            return
        i = motor(name)
        if self._stuck[0] != name:
            self._stuck = (name, float(motors["q"][i]))
        self._lost += 1
        motors["lost"][i] = self._lost
        motors["q"][i], motors["dq"][i], motors["tau_est"][i] = self._stuck[1], 0.0, 0.0

    def command(self, command: JointCommand | None) -> JointCommand | None:
        """Return the command that the motors follow."""
        if command is None or not self.config.lost_motor:
            return command
        j = JOINT_NAMES.index(self.config.lost_motor)
        parts = [command.effort.copy(), command.kp.copy(), command.kd.copy()]
        for part in parts:
            part[j] = 0.0
        return JointCommand(command.position, command.velocity, *parts)


def motor(joint: str) -> int:
    """Return the number of a joint's motor in the SDK's order."""
    return int(np.flatnonzero(to_sdk(np.arange(12.0)) == JOINT_NAMES.index(joint))[0])
