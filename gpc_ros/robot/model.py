"""The MuJoCo models of the robot: one MJCF, edited in code into a plant and a planner variant.

The plant is accurate and slow (2 ms, elliptic cones, joint friction, self-collision, sensors).
The planner's model is fast (10 ms, pyramidal cones, few iterations) and behaves like it: joint
friction becomes damping and feet are stiffened until they are stable at that step.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array, validate_array
from gpc_ros.common.errors import GpcError, InputError, ModelFileError
from gpc_ros.common.paths import share
from gpc_ros.robot.joints import FOOT_NAMES, JOINT_NAMES, STAND
from gpc_ros.robot.kinematics import FOOT_RADIUS, foot_positions
from gpc_ros.robot.scenery import add_scenery

Variant = Literal["plant", "planner"]

PLANT_TIMESTEP = 0.002  # [s]
PLANNER_TIMESTEP = 0.01  # [s]
PLANT_DAMPING = 0.285  # joint damping [N m s/rad], as in the MJCF
PLANNER_DAMPING = 0.6  # [N m s/rad]: replaces the plant's damping and joint friction
BASE_BODY = "base"
# Height of the base origin over the floor in the pose STAND [m].
STAND_HEIGHT = float(FOOT_RADIUS - foot_positions(STAND)[:, 2].mean())


@dataclass(frozen=True, eq=False)
class Gains:
    """Gains of the joint law tau = kp (q* - q) + kd (dq* - dq) + tau*, model order.

    Attributes:
        kp: (12,) [N m/rad].
        kd: (12,) [N m s/rad].
    """

    kp: Array
    kd: Array

    def __post_init__(self) -> None:
        """Raise InputError for a wrong length, a number that is not finite, or one below zero."""
        for name in ("kp", "kd"):
            value = validate_array(getattr(self, name), (12,), f"joint gains: {name}")
            if (value < 0.0).any():
                joint = JOINT_NAMES[int(np.argmin(value))]
                raise InputError(f"joint gains: {name} of {joint} is {value.min()}, below zero")

    @classmethod
    def uniform(cls, kp: float, kd: float) -> Gains:
        """Return the same gains for all joints."""
        return cls(np.full(12, kp), np.full(12, kd))


def robot_spec(variant: Variant, gains: Gains, path: Path | None = None) -> mujoco.MjSpec:
    """Return the robot on a floor, ready for a task to add its objects.

    Bodies that are added collide with the robot and the floor by MuJoCo's default contact bits.

    Args:
        variant: ``plant`` or ``planner``.
        gains: joint gains of the actuators (the plant's change with each command).
        path: MJCF file; None uses the package's file.

    Raises:
        ModelFileError: the file is missing, damaged or not the Go2.
    """
    spec = _load(path)
    add_scenery(spec)
    option = spec.option
    if variant == "plant":
        option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        option.timestep = PLANT_TIMESTEP
        option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        option.impratio = 100.0
    else:
        _simplify(spec)
    for i, name in enumerate(JOINT_NAMES):
        actuator = spec.actuator(name)
        actuator.gainprm[0] = 1.0
        actuator.biasprm[:3] = [0.0, -gains.kp[i], -gains.kd[i]]
    return spec


def _simplify(spec: mujoco.MjSpec) -> None:
    """Turn the accurate model into the planner's fast model."""
    option = spec.option
    option.timestep = PLANNER_TIMESTEP
    option.cone = mujoco.mjtCone.mjCONE_PYRAMIDAL
    option.impratio = 1.0
    # Three sweeps of PGS, warm-started. Newton, the default, is as accurate when it converges, but
    # stopped early it leaves boxes spinning. The implicit integrator takes 10 % longer and walks
    # slower than the plant at this step. (Metrics: bench/model_error.py.)
    option.solver = mujoco.mjtSolver.mjSOL_PGS
    option.iterations = 3
    option.integrator = mujoco.mjtIntegrator.mjINT_EULER
    for joint in spec.joints:
        if joint.name in JOINT_NAMES:
            joint.damping[0] = PLANNER_DAMPING
            joint.frictionloss = 0.0
    for geom in spec.body(BASE_BODY).find_all("geom"):
        if geom.contype:
            # Matches the contype of the world and the objects, but of no other part of the robot.
            geom.contype, geom.conaffinity = 0, 1
            geom.condim = 3
            if geom.name in FOOT_NAMES:
                geom.solimp[:3] = [0.9, 0.95, 0.005]
        else:
            spec.delete(geom)
    for sensor in list(spec.sensors):
        spec.delete(sensor)


def _load(path: Path | None) -> mujoco.MjSpec:
    """Read the MJCF and check that it is the Go2 in model order."""
    try:
        path = path or share("models", "go2", "go2.xml")
    except GpcError as error:
        raise ModelFileError(f"robot model: {error}") from None
    if not path.is_file():
        raise ModelFileError(f"robot model: {path} does not exist; reinstall the package")
    try:
        spec = mujoco.MjSpec.from_file(str(path))
    except ValueError as error:
        raise ModelFileError(
            f"robot model: {path} is damaged: {error}; restore it from the repository"
        ) from None
    joints = tuple(joint.name for joint in spec.joints)
    actuators = tuple(actuator.name for actuator in spec.actuators)
    if joints != ("root", *JOINT_NAMES) or actuators != JOINT_NAMES or not spec.body(BASE_BODY):
        raise ModelFileError(
            f"robot model: {path} is not the Go2 in model order: it has the joints {joints} and "
            f"the actuators {actuators}, expected 'root' and {JOINT_NAMES}"
        )
    return spec


def compile_model(spec: mujoco.MjSpec) -> mujoco.MjModel:
    """Compile a model.

    Raises:
        ModelFileError: MuJoCo refuses it; the message is MuJoCo's.
    """
    try:
        return spec.compile()
    except ValueError as error:
        raise ModelFileError(f"model '{spec.modelname}' does not compile: {error}") from None


def set_gains(model: mujoco.MjModel, kp: Array, kd: Array) -> None:
    """Overwrite the gains of the robot's joint law, kp and kd (12,), in a compiled model."""
    model.actuator_biasprm[:12, 1] = -kp
    model.actuator_biasprm[:12, 2] = -kd
