"""Convert RobotReading and JointCommand from and to the robot's low-level messages.

Joint and leg order change here and nowhere else on the way to the robot. Every command is held
against the absolute ceilings here, in the process that talks to the robot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gpc_ros.common.arrays import Array
from gpc_ros.robot import ceilings
from gpc_ros.robot.joints import JOINT_NAMES, feet_from_sdk, feet_to_sdk, from_sdk, to_sdk
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.unitree.low_level_messages import (
    COMMAND,
    HEAD,
    IDLE,
    LOW_LEVEL,
    SERVO,
    STATE,
    STOP_POSITION,
    STOP_VELOCITY,
    Record,
)

_JOINTS = slice(0, 12)
_TO_SDK = to_sdk(np.arange(12.0)).astype(np.intp)  # model index of each motor
# Cells of the battery, and the voltage of an empty and of a full one [mV].
_CELLS, _EMPTY_CELL, _FULL_CELL = 8, 3000.0, 4200.0
# Where a value is at or past these it means "not controlled"; single precision rounds it.
_STOPPED = (0.99 * STOP_POSITION, 0.99 * STOP_VELOCITY)


def new_command() -> Record:
    """Return a LowCmd that controls nothing: every motor a servo with stop values and no gains."""
    record = COMMAND.new()
    record["head"], record["level_flag"] = HEAD, LOW_LEVEL
    record["motor"]["mode"] = SERVO
    record["motor"]["q"], record["motor"]["dq"] = STOP_POSITION, STOP_VELOCITY
    return record


def command_to_low_cmd(command: JointCommand, record: Record) -> Record:
    """Write a joint command into a LowCmd made by :func:`new_command`; the CRC is left as it is.

    Raises:
        InputError: a value is not finite, negative where it must not be, or beyond its absolute
            ceiling; the record is as before.
    """
    return write_rows(ceilings.to_wire(command), record)


def write_rows(rows: ceilings.Float32Array, record: Record) -> Record:
    """Write rows (5, 12) of :func:`gpc_ros.robot.ceilings.to_wire` into a LowCmd."""
    motors = record["motor"][_JOINTS]
    for name, row in zip(("q", "dq", "tau", "kp", "kd"), rows[:, _TO_SDK], strict=True):
        motors[name] = row
    return record


def command_from_low_cmd(record: Record) -> JointCommand:
    """Return the joint command in a LowCmd (12 joints), as its motors would follow it.

    An idle motor has no gains and no torque; a stop value takes its gain away.
    """
    motors = record["motor"][_JOINTS]
    q, dq, tau, kp, kd = (
        from_sdk(motors[name].astype(np.float64)) for name in ("q", "dq", "tau", "kp", "kd")
    )
    idle = from_sdk(motors["mode"]) == IDLE
    free_q, free_dq = idle | (np.abs(q) >= _STOPPED[0]), idle | (np.abs(dq) >= _STOPPED[1])
    return JointCommand(
        np.where(free_q, 0.0, q),
        np.where(free_dq, 0.0, dq),
        np.where(idle, 0.0, tau),
        np.where(free_q, 0.0, kp),
        np.where(free_dq, 0.0, kd),
    )


def new_state() -> Record:
    """Return a LowState with its head, every motor a servo."""
    record = STATE.new()
    record["head"], record["level_flag"] = HEAD, LOW_LEVEL
    record["motor"]["mode"][_JOINTS] = SERVO
    return record


def reading_to_low_state(reading: RobotReading, record: Record) -> Record:
    """Write a reading into a LowState made by :func:`new_state`; the CRC is left as it is.

    Temperatures and charge are whole numbers there, foot forces too [N] (the real robot's are not
    calibrated). A robot that reports its battery also reports the voltages of its cells.
    """
    motors = record["motor"][_JOINTS]
    motors["q"], motors["dq"] = to_sdk(reading.position), to_sdk(reading.velocity)
    motors["tau_est"] = to_sdk(reading.effort)
    motors["temperature"] = np.clip(np.rint(to_sdk(reading.temperature)), 0, 255)
    imu = record["imu"]
    imu["quaternion"] = reading.orientation
    imu["gyroscope"] = reading.angular_velocity
    imu["accelerometer"] = reading.linear_acceleration
    imu["rpy"] = _roll_pitch_yaw(reading.orientation)
    record["foot_force"] = np.clip(np.rint(feet_to_sdk(reading.foot_force)), -32768, 32767)
    charge = min(max(reading.battery, 0.0), 1.0)
    record["bms"] = np.zeros((), record["bms"].dtype)
    if reading.battery_reported:
        record["bms"]["soc"] = round(100.0 * charge)
        record["bms"]["cell_vol"][:_CELLS] = round(
            _EMPTY_CELL + charge * (_FULL_CELL - _EMPTY_CELL)
        )
    record["tick"] = reading.tick % 2**32
    return record


def reading_from_low_state(
    record: Record, stamp: float, lost: NDArray[np.bool_] | None = None
) -> RobotReading:
    """Return the reading in a LowState.

    Values are not validated here. A battery all of whose fields are zero is not reported.

    Args:
        record: the LowState.
        stamp: time of measurement [s].
        lost: which motors the robot has lost (12,), model order; None if none.
    """
    motors, imu = record["motor"][_JOINTS], record["imu"]
    values = from_sdk(
        np.stack([motors[name] for name in ("q", "dq", "tau_est", "temperature")]).astype(
            np.float64
        )
    )
    faults: tuple[str, ...] = ()
    if lost is not None and lost.any():
        names = (JOINT_NAMES[i] for i in np.flatnonzero(lost))
        faults = tuple(f"{name}: the robot has lost this motor" for name in names)
    return RobotReading(
        stamp=stamp,
        position=values[0],
        velocity=values[1],
        effort=values[2],
        orientation=imu["quaternion"].astype(np.float64),
        angular_velocity=imu["gyroscope"].astype(np.float64),
        linear_acceleration=imu["accelerometer"].astype(np.float64),
        temperature=values[3],
        foot_force=feet_from_sdk(record["foot_force"].astype(np.float64)),
        battery=float(record["bms"]["soc"]) / 100.0,
        tick=int(record["tick"]),
        faults=faults,
        battery_reported=any(record["bms"].tobytes()),
    )


def _roll_pitch_yaw(wxyz: Array) -> tuple[float, float, float]:
    """Return roll, pitch and yaw [rad] of an attitude (4,)."""
    w, x, y, z = wxyz.tolist()
    return (
        float(np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))),
        float(np.arcsin(min(max(2 * (w * y - z * x), -1.0), 1.0))),
        float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))),
    )
