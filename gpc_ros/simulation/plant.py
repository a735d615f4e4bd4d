"""The simulated robot as hardware: joint commands in, noisy readings out, one period at a time.

It knows no task: it runs any compiled model whose first twelve actuators are the robot's joints
and tracks the given bodies.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array, validate_array
from gpc_ros.common.config import param
from gpc_ros.common.errors import GpcError, InputError
from gpc_ros.common.geometry import rotate, rotate_inverse
from gpc_ros.robot.joints import FOOT_NAMES, JOINT_NAMES
from gpc_ros.robot.model import BASE_BODY, set_gains
from gpc_ros.robot.types import JointCommand, ObjectState, RobotReading, SceneState
from gpc_ros.simulation.mocap_sensor import MocapConfig, MotionCapture, PoseSample
from gpc_ros.simulation.plant_faults import FaultConfig, Faults
from gpc_ros.simulation.sensors import EncoderConfig, Encoders, Imu, ImuConfig

PERIOD = 0.002  # [s], of the robot's own control loop

# Warnings after which MuJoCo resets the state by itself, so that it looks healthy again.
_FATAL = {
    mujoco.mjtWarning.mjWARN_BADQPOS: "position",
    mujoco.mjtWarning.mjWARN_BADQVEL: "velocity",
    mujoco.mjtWarning.mjWARN_BADQACC: "acceleration",
    mujoco.mjtWarning.mjWARN_BADCTRL: "control",
}
_FATAL_KINDS = [int(kind) for kind in _FATAL]


class DivergedError(GpcError):
    """The simulation is not finite; its state is invalid until the next reset."""


@dataclass(frozen=True)
class PlantConfig:
    """The simulated robot's sensors and its own watchdog."""

    # Less than the 100 ms that the fault table allows, so that the reaction itself fits in, and the
    # time that a simulation on a busy machine is behind.
    watchdog_timeout: float = param(
        0.07,
        "Silence of the command stream after which the robot damps",
        unit="s",
        low=0.0,
        high=10.0,
    )
    watchdog_damping: float = param(
        3.0, "Gain kd of that damping", unit="N m s/rad", low=0.0, high=20.0
    )
    temperature: float = param(35.0, "Reported motor temperature", unit="deg C", low=-20, high=150)
    battery: float = param(0.8, "Reported state of charge", low=0.0, high=1.0)
    faults: FaultConfig = FaultConfig()
    imu: ImuConfig = field(default_factory=ImuConfig)
    encoders: EncoderConfig = field(default_factory=EncoderConfig)
    mocap: MocapConfig = field(default_factory=MocapConfig)


class Plant:
    """A robot in a scene, stepped at 500 Hz by joint commands.

    Attributes:
        model: the compiled MuJoCo model (its gains follow the commands).
        data: its simulation state; read it to render, write it only through :meth:`reset`.
        bodies: names of the tracked objects, in the order of :meth:`qpos`.
        mocap: the motion capture system, which also sees the base.
        faults: faults of the readings and of motion capture.
        watchdog_latched: whether the watchdog has damped the motors since the last command that
            damps. Stiff commands are ignored until then, so that nothing resumes stiff.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        bodies: tuple[str, ...] = (),
        config: PlantConfig | None = None,
        seed: int = 0,
    ) -> None:
        """Prepare a plant; it starts at the model's default pose with limp motors.

        Args:
            model: a compiled model, see ``robot.model``. It is modified: do not share it.
            bodies: free bodies of the scene that motion capture and truth report.
            config: sensors and watchdog.
            seed: of all noise.

        Raises:
            InputError: the model's step does not divide the period, it lacks the robot's joints
                in model order, or a body is unknown or not free.
        """
        self.model = model
        self.data = mujoco.MjData(model)
        self.bodies = bodies
        self.config = config or PlantConfig()
        self.faults = Faults(self.config.faults)
        self._substeps = _substeps(model)
        self._check_joints()
        self._addresses = {body: _free_joint(model, body) for body in (BASE_BODY, *bodies)}
        self._base = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, BASE_BODY)
        self._sensors = {
            name: _sensor_slice(model, name) for name in ("accelerometer", *FOOT_NAMES)
        }
        self._imu_site = model.sensor("accelerometer").objid[0]
        self._seed = seed
        self.reset(self.data.qpos)

    def reset(self, qpos: Array, seed: int | None = None) -> None:
        """Start an episode at a configuration, at rest, at time zero, with fresh sensors.

        Args:
            qpos: (nq,) base, joints, then objects.
            seed: of the noise; the previous one if None, so that an episode can be repeated.

        Raises:
            InputError: wrong length or not finite.
        """
        start = validate_array(qpos, (self.model.nq,), "start configuration qpos").copy()
        self._seed = self._seed if seed is None else seed
        imu, encoders, mocap = np.random.default_rng(self._seed).spawn(3)
        self._imu = Imu(self.config.imu, imu)
        self._encoders = Encoders(self.config.encoders, encoders)
        self.mocap = MotionCapture(self.config.mocap, (BASE_BODY, *self.bodies), mocap)
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[:] = start
        self._held = True
        self._commanded_at = -np.inf
        self.watchdog_latched = False
        self._apply(JointCommand.damping(self.config.watchdog_damping))
        mujoco.mj_forward(self.model, self.data)
        self._observe()

    def _check_joints(self) -> None:
        names = tuple(self.model.actuator(i).name for i in range(min(12, self.model.nu)))
        joints = tuple(self.model.joint(i).name for i in range(1, min(13, self.model.njnt)))
        if names != JOINT_NAMES or joints != JOINT_NAMES:
            raise InputError(
                f"plant: the model's first joints and actuators must be {JOINT_NAMES} behind the "
                f"free base, found joints {joints} and actuators {names}"
            )

    @property
    def time(self) -> float:
        """Time since the reset [s]."""
        return float(self.data.time)

    @property
    def watchdog_active(self) -> bool:
        """Whether the robot damps by itself because no command came in time."""
        # A hair less than the limit: times are sums of many steps.
        return self.time - self._commanded_at >= self.config.watchdog_timeout - 1e-9

    @property
    def diverged(self) -> bool:
        """Whether the simulation has left the finite numbers since the reset."""
        return bool(self.data.warning.number[_FATAL_KINDS].any())

    def step(self, command: JointCommand | None = None) -> None:
        """Advance by one period of 2 ms.

        Args:
            command: that arrived in this period. None means no new command: the robot follows the
                last one until its watchdog damps.

        Raises:
            InputError: a command of the wrong length, not finite, or with negative gains; the
                simulation has not moved.
            DivergedError: the simulation is not finite; reset it.
        """
        if command is not None:
            _check_command(command)
        if command is not None and not (self.watchdog_latched and command.kp.any()):
            self._apply(command)
            self._commanded_at, self.watchdog_latched = self.time, False
        elif self.watchdog_active:
            self.watchdog_latched = self._commanded_at > -np.inf
            self._apply(JointCommand.damping(self.config.watchdog_damping))
        self._push(self.faults.config.push)
        for _ in range(self._substeps):
            mujoco.mj_step(self.model, self.data)
        self._held = False
        if self.diverged:
            raise DivergedError(self._divergence())
        self._observe()

    def _apply(self, command: JointCommand) -> None:
        set_gains(self.model, command.kp, command.kd)
        self.data.ctrl[:12] = (
            command.kp * command.position + command.kd * command.velocity + command.effort
        )

    def _push(self, moment: float) -> None:
        """Apply a moment [N m] that rolls the base, until the next call."""
        force = self.data.xfrc_applied[self._base]
        force[3:] = rotate(self.data.qpos[3:7], np.array([moment, 0.0, 0.0])) if moment else 0.0

    def _observe(self) -> None:
        self.mocap.update(self.time, self._pose)

    def _divergence(self) -> str:
        kind = next(kind for kind in _FATAL if self.data.warning[kind].number)
        index = int(self.data.warning[kind].lastinfo)
        return (
            f"plant: the simulation diverged: {_FATAL[kind]} {index} is not finite; its state was "
            "lost. Reset the plant, and look for a step too long or gains too high"
        )

    def _pose(self, body: str) -> tuple[Array, Array]:
        address, _ = self._addresses[body]
        qpos = self.data.qpos
        return qpos[address : address + 3].copy(), qpos[address + 3 : address + 7].copy()

    def poses(self) -> list[PoseSample]:
        """Return, once, the motion capture poses that have arrived by now, oldest first."""
        return self.mocap.due(self.time)

    def reading(self) -> RobotReading:
        """Return a reading of the robot's own sensors; each call draws new noise.

        Until the first step the plant is held: its accelerometer feels what holds it up. (MuJoCo's
        would report the free fall that limp legs begin.) After that it reports the mean over the
        last step of the simulation, which ends at the stamp.
        """
        data = self.data
        # MuJoCo senses at the beginning of a step; the acceleration is rotated to its end.
        felt = -self.model.opt.gravity
        if not self._held:
            seen = data.sensordata[self._sensors["accelerometer"]]
            felt = data.site_xmat[self._imu_site].reshape(3, 3) @ seen
        accel = rotate_inverse(data.qpos[3:7], felt)
        position, velocity, effort, force = self._encoders.measure(
            data.qpos[7:19],
            data.qvel[6:18],
            data.actuator_force[:12],
            np.array([data.sensordata[self._sensors[foot]][0] for foot in FOOT_NAMES]),
        )
        orientation, gyro, accel = self._imu.measure(
            self.time,
            data.qpos[3:7],
            data.qvel[3:6],
            accel,
        )
        return RobotReading(
            stamp=self.time,
            position=position,
            velocity=velocity,
            effort=effort,
            orientation=orientation,
            angular_velocity=gyro,
            linear_acceleration=accel,
            temperature=np.full(12, self.config.temperature),
            foot_force=force,
            battery=self.config.battery,
            tick=round(self.time * 1000.0),
        )

    def truth(self) -> SceneState:
        """Return the exact state of robot and objects."""
        qpos, qvel = self.data.qpos, self.data.qvel
        state = SceneState.from_arrays(self.time, qpos[:19], qvel[:18])
        for body in self.bodies:
            position, quaternion = self._pose(body)
            _, v = self._addresses[body]
            state.objects[body] = ObjectState(
                position, quaternion, qvel[v : v + 3].copy(), qvel[v + 3 : v + 6].copy()
            )
        return state


def _substeps(model: mujoco.MjModel) -> int:
    """Return how many steps of the model make one period."""
    steps = round(PERIOD / model.opt.timestep)
    if steps < 1 or abs(steps * model.opt.timestep - PERIOD) > 1e-9:
        raise InputError(
            f"plant: the model's step of {model.opt.timestep} s does not divide the period of "
            f"{PERIOD} s; use the plant variant"
        )
    return steps


def _free_joint(model: mujoco.MjModel, body: str) -> tuple[int, int]:
    """Return where a free body's pose begins in qpos and its velocity in qvel."""
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, body)
    if index < 0:
        names = ", ".join(model.body(i).name for i in range(1, model.nbody))
        raise InputError(f"plant: the model has no body '{body}'; it has: {names}")
    joint = model.body_jntadr[index]
    if joint < 0 or model.jnt_type[joint] != mujoco.mjtJoint.mjJNT_FREE:
        raise InputError(f"plant: body '{body}' has no free joint, so it cannot be tracked")
    return int(model.jnt_qposadr[joint]), int(model.jnt_dofadr[joint])


def _sensor_slice(model: mujoco.MjModel, name: str) -> slice:
    """Return where a sensor's values lie in sensordata."""
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SENSOR, name)
    if index < 0:
        raise InputError(f"plant: the model has no sensor '{name}'; use the plant variant")
    start = int(model.sensor_adr[index])
    return slice(start, start + int(model.sensor_dim[index]))


def _check_command(command: JointCommand) -> None:
    """Refuse a command that a robot's firmware would refuse."""
    parts = (command.position, command.velocity, command.effort, command.kp, command.kd)
    if all(np.shape(part) == (12,) for part in parts):
        numbers = np.concatenate(parts)
        if np.isfinite(numbers).all() and numbers[36:].min() >= 0.0:
            return
    # A part is invalid: find it for the error.
    for name in ("position", "velocity", "effort", "kp", "kd"):
        validate_array(getattr(command, name), (12,), f"joint command: {name}")
    for name in ("kp", "kd"):
        gain = getattr(command, name)
        if np.min(gain) < 0.0:
            joint = JOINT_NAMES[int(np.argmin(gain))]
            raise InputError(f"joint command: {name} of {joint} is {np.min(gain)}, below zero")
