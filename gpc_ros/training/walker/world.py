"""Batch simulation of randomised robots: mass, friction, motors and delays differ."""

from __future__ import annotations

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from gpc_ros.common.arrays import Array, BoolArray, IntArray
from gpc_ros.common.mujoco_warnings import silence_mujoco
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.model import BASE_BODY, STAND_HEIGHT, Gains, compile_model, robot_spec
from gpc_ros.training.walker.walker_config import RandomConfig

# Contact point of the chest with a pushed object, base frame [m].
CHEST = np.array([0.32, 0.0, 0.0])
# A simulation with a velocity beyond this has diverged [m/s, rad/s].
_WILD = 100.0


class World:
    """Robots in the planner model with individual parameters and one time step.

    Args:
        count: number of robots n.
        timestep: time step of the simulation [s]; divides the control period.
        gains: joint gains before randomisation.
        config: ranges of the randomisation.
        rng: random generator.
        threads: simulation threads; 0 for one per core.

    Attributes:
        qpos: positions (n, 19), a live view.
        qvel: velocities (n, 18), a live view.
        substeps: simulation steps in one control period.
        privileged: critic inputs of each robot (P, n): payload, friction, strength.
        strength: relative motor strength (n,).
    """

    def __init__(
        self,
        count: int,
        timestep: float,
        gains: Gains,
        config: RandomConfig,
        rng: np.random.Generator,
        threads: int = 0,
        period: float = 0.02,
    ) -> None:
        """Build the model and draw the robots."""
        silence_mujoco()
        spec = robot_spec("planner", gains)
        spec.option.timestep = timestep
        model = compile_model(spec)
        self._rng, self._config = rng, config
        self.substeps = round(period / timestep)
        self._batch = Batch(model, count, threads)
        self.qpos, self.qvel = self._batch.bind("qpos"), self._batch.bind("qvel")
        self._ctrl, self._force = self._batch.bind("ctrl"), self._batch.bind("xfrc_applied")
        self._base = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, BASE_BODY)
        self._kp = gains.kp
        self._failed = np.zeros(count, dtype=bool)
        self._draw(model, count, gains)
        self.sensed_qpos, self.sensed_qvel = np.empty((count, 19)), np.empty((count, 18))
        self._late = rng.random(count) < (0.5 if config.sensing else 0.0)
        self._delay = rng.integers(0, round(config.delay / timestep) + 1, count)
        self._before = np.tile(STAND, (2, count, 1))  # targets of the last two periods
        self.reset(np.arange(count))

    def _draw(self, model: mujoco.MjModel, count: int, gains: Gains) -> None:
        """Randomise body and motors of every robot."""
        c, rng = self._config, self._rng

        def share(width: float) -> Array:
            return 1.0 + width * rng.uniform(-1.0, 1.0, count)

        mass, inertia = self._batch.expand("body_mass"), self._batch.expand("body_inertia")
        centre = self._batch.expand("body_ipos")
        payload = rng.uniform(0.0, c.payload, count) * (rng.random(count) < 0.5)
        heavier = share(c.mass) + payload / model.body_mass[self._base]
        mass[:, self._base] *= heavier
        inertia[:, self._base] *= heavier[:, None]
        centre[:, self._base] += rng.uniform(-c.centre, c.centre, (count, 3))
        friction = rng.uniform(c.friction_low, c.friction_high, count)
        self._batch.expand("geom_friction")[:, :, 0] = friction[:, None]
        self._batch.expand("dof_damping")[:, 6:] = rng.uniform(
            c.damping_low, c.damping_high, (count, 1)
        )
        self.strength = strength = share(c.strength)
        stiff, damped = strength * share(c.gains), strength * share(c.gains)
        gain, bias = self._batch.expand("actuator_gainprm"), self._batch.expand("actuator_biasprm")
        gain[:, :, 0] = stiff[:, None]
        bias[:, :, 1] = -stiff[:, None] * gains.kp
        bias[:, :, 2] = -damped[:, None] * gains.kd
        self._batch.set_const()
        self.privileged = np.stack([payload, friction, strength])

    def reset(self, ids: IntArray) -> None:
        """Reset some robots to standing, with a small random disturbance."""
        n, rng = len(ids), self._rng
        self._batch.state[ids] = 0.0
        self._batch.warning[ids] = 0
        self._failed[ids] = False
        self.qpos[ids, 2] = STAND_HEIGHT + 0.01
        yaw = rng.uniform(-np.pi, np.pi, n)
        self.qpos[ids, 3], self.qpos[ids, 6] = np.cos(yaw / 2), np.sin(yaw / 2)
        self.qpos[ids, 4:6] = 0.0
        self.qpos[ids, 7:19] = STAND + rng.uniform(-0.1, 0.1, (n, 12))
        self.qvel[ids] = 0.0
        self.qvel[ids, :3] = rng.uniform(-0.3, 0.3, (n, 3))
        self._before[:, ids] = STAND
        self._force[ids] = 0.0
        self.sensed_qpos[ids], self.sensed_qvel[ids] = self.qpos[ids], self.qvel[ids]

    def step(self, targets: Array) -> None:
        """Advance by one control period with joint targets (n, 12) [rad].

        During its delay a robot still follows the previous targets.
        """
        last, older = self._before
        for k in range(self.substeps):
            waits = self._delay > k
            used = np.where(waits[:, None], last, targets)
            waits = self._delay > k + self.substeps
            if waits.any():
                used = np.where(waits[:, None], older, used)
            self._ctrl[:] = self._kp * used
            if k == self.substeps - 1:
                np.copyto(self.sensed_qpos, self.qpos)
                np.copyto(self.sensed_qvel, self.qvel)
            try:
                self._batch.step()
            except SimulationError as error:
                self._failed[error.ids] = True
        prompt = ~self._late
        self.sensed_qpos[prompt], self.sensed_qvel[prompt] = self.qpos[prompt], self.qvel[prompt]
        self._before[1], self._before[0] = last.copy(), targets

    def broken(self) -> BoolArray:
        """Return which simulations diverged (n,)."""
        warned: BoolArray = self._batch.warning.any(axis=(1, 2))
        wild: BoolArray = ~(np.abs(self.qvel).max(axis=1) < _WILD)
        return warned | wild | self._failed

    def push(self, ids: IntArray, velocity: Array) -> None:
        """Change the velocity of some robots' bases by (k, 3) [m/s], map frame."""
        self.qvel[ids, :3] += velocity

    def resist(self, force: Array) -> None:
        """Apply forces (n, 3) [N], map frame, at the chests until the next call."""
        at = _rotated(self.qpos[:, 3:7], CHEST)
        self._force[:, self._base, :3] = force
        self._force[:, self._base, 3:] = np.cross(at, force)


def _rotated(quat: Array, vector: Array) -> Array:
    """Return a vector (3,) of the base frame in the map frame of each robot (n, 3)."""
    axis = quat[:, 1:]
    t = 2.0 * np.cross(axis, vector)
    turned: Array = vector + quat[:, :1] * t + np.cross(axis, t)
    return turned
