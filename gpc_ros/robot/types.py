"""Readings, commands and estimates as plain records of arrays, shared by all packages.

Joint arrays are in model order (FL, FR, RL, RR; hip, thigh, calf each). Stamps are seconds of
the clock in use (``float``), taken when the quantity was measured. Quaternions are wxyz.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gpc_ros.common.arrays import Array, validate_array


def _zeros(n: int) -> Array:
    return np.zeros(n)


@dataclass
class RobotReading:
    """One reading of the robot's own sensors, as a driver delivers it.

    Attributes:
        stamp: time of measurement [s].
        position: joint angles (12,) [rad].
        velocity: joint velocities (12,) [rad/s].
        effort: estimated joint torques (12,) [N m].
        orientation: IMU attitude (4,) wxyz, base to world (its yaw drifts).
        angular_velocity: gyro (3,) [rad/s], base frame.
        linear_acceleration: accelerometer (3,) [m/s^2], base frame, gravity included (+9.81 z
            at rest).
        temperature: motor temperatures (12,) [deg C].
        foot_force: contact force of each foot (4,) [N], model leg order.
        battery: state of charge [0..1].
        tick: counter of the robot's own clock [ms].
        faults: defects that the robot itself reports, in plain words.
        battery_reported: whether the robot reports its battery.
    """

    stamp: float
    position: Array
    velocity: Array
    effort: Array = field(default_factory=lambda: _zeros(12))
    orientation: Array = field(default_factory=lambda: np.array([1.0, 0.0, 0.0, 0.0]))
    angular_velocity: Array = field(default_factory=lambda: _zeros(3))
    linear_acceleration: Array = field(default_factory=lambda: np.array([0.0, 0.0, 9.81]))
    temperature: Array = field(default_factory=lambda: np.full(12, 30.0))
    foot_force: Array = field(default_factory=lambda: _zeros(4))
    battery: float = 1.0
    tick: int = 0
    faults: tuple[str, ...] = ()
    battery_reported: bool = True

    def check(self) -> None:
        """Raise InputError if a field has the wrong length or is not finite."""
        for name, size in (
            ("position", 12),
            ("velocity", 12),
            ("effort", 12),
            ("orientation", 4),
            ("angular_velocity", 3),
            ("linear_acceleration", 3),
            ("temperature", 12),
            ("foot_force", 4),
        ):
            validate_array(getattr(self, name), (size,), f"robot reading: {name}")


@dataclass
class JointCommand:
    """A joint command: tau = kp (q* - q) + kd (dq* - dq) + tau*, per joint.

    Attributes:
        position: q* (12,) [rad].
        velocity: dq* (12,) [rad/s].
        effort: tau* (12,) [N m].
        kp: position gain (12,) [N m/rad].
        kd: velocity gain (12,) [N m s/rad].
    """

    position: Array
    velocity: Array
    effort: Array
    kp: Array
    kd: Array

    @classmethod
    def damping(cls, kd: float) -> JointCommand:
        """Return the command that only brakes: kp 0, the given kd [N m s/rad]."""
        return cls(_zeros(12), _zeros(12), _zeros(12), _zeros(12), np.full(12, kd))


@dataclass
class ObjectState:
    """Pose and velocity of one tracked object.

    Attributes:
        position: origin (3,) [m], map frame.
        orientation: (4,) wxyz, object to map.
        linear_velocity: (3,) [m/s], map frame.
        angular_velocity: (3,) [rad/s], object frame.
        age: time since it was last seen [s].
        covariance: diagonal (6,) of x, y, z [m^2] and rotation [rad^2].
    """

    position: Array
    orientation: Array
    linear_velocity: Array = field(default_factory=lambda: _zeros(3))
    angular_velocity: Array = field(default_factory=lambda: _zeros(3))
    age: float = 0.0
    covariance: Array = field(default_factory=lambda: _zeros(6))


@dataclass
class SceneState:
    """The fused state of robot and objects at one time.

    Attributes:
        stamp: time that the state is valid for [s].
        position: base origin (3,) [m], map frame.
        orientation: (4,) wxyz, base to map.
        linear_velocity: base origin (3,) [m/s], map frame.
        angular_velocity: (3,) [rad/s], base frame.
        joint_position: (12,) [rad].
        joint_velocity: (12,) [rad/s].
        objects: by body name.
        covariance: diagonal (12,) of position [m^2], rotation [rad^2], linear velocity
            [m^2/s^2], angular velocity [rad^2/s^2].
        base_age: time since motion capture last saw the base [s].
        joint_age: age of the joint reading [s].
        mocap_inconsistency: why motion capture does not match this robot; empty if consistent.
    """

    stamp: float
    position: Array
    orientation: Array
    linear_velocity: Array
    angular_velocity: Array
    joint_position: Array
    joint_velocity: Array
    objects: dict[str, ObjectState] = field(default_factory=dict)
    covariance: Array = field(default_factory=lambda: _zeros(12))
    base_age: float = 0.0
    joint_age: float = 0.0
    mocap_inconsistency: str = ""

    def qpos(self, bodies: tuple[str, ...] = ()) -> Array:
        """Return MuJoCo's qpos (19 + 7 len(bodies),): base, joints, then the named objects.

        Raises:
            KeyError: a named object is not in the state.
        """
        parts = [self.position, self.orientation, self.joint_position]
        for body in bodies:
            parts += [self.objects[body].position, self.objects[body].orientation]
        return np.concatenate(parts)

    def qvel(self, bodies: tuple[str, ...] = ()) -> Array:
        """Return MuJoCo's qvel (18 + 6 len(bodies),), in the order of :meth:`qpos`."""
        parts = [self.linear_velocity, self.angular_velocity, self.joint_velocity]
        for body in bodies:
            parts += [self.objects[body].linear_velocity, self.objects[body].angular_velocity]
        return np.concatenate(parts)

    @classmethod
    def from_arrays(
        cls, stamp: float, qpos: Array, qvel: Array, bodies: tuple[str, ...] = ()
    ) -> SceneState:
        """Build a state from qpos (19 + 7 n,) and qvel (18 + 6 n,) of a simulation (exact)."""
        objects = {}
        for i, body in enumerate(bodies):
            p, v = 19 + 7 * i, 18 + 6 * i
            objects[body] = ObjectState(
                qpos[p : p + 3].copy(),
                qpos[p + 3 : p + 7].copy(),
                qvel[v : v + 3].copy(),
                qvel[v + 3 : v + 6].copy(),
            )
        return cls(
            stamp,
            qpos[0:3].copy(),
            qpos[3:7].copy(),
            qvel[0:3].copy(),
            qvel[3:6].copy(),
            qpos[7:19].copy(),
            qvel[6:18].copy(),
            objects,
        )
