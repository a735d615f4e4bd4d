"""The estimator: motion capture, IMU and encoders become one state of robot and objects.

Motion capture arrives late; it corrects the filter at the time of its capture, and the IMU samples
since then are applied again.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from gpc_ros.arrays import Array
from gpc_ros.config import param
from gpc_ros.estimation.base_filter import BaseFilter, BaseState, FilterConfig
from gpc_ros.estimation.leg_odometry import LegOdometryConfig, body_velocity
from gpc_ros.estimation.object_tracker import ObjectTracker, TrackerConfig
from gpc_ros.estimation.stamps import StampGate, Verdict
from gpc_ros.geometry import rotate_inverse
from gpc_ros.robot.types import RobotReading, RobotState

BASE = "base"


@dataclass(frozen=True)
class EstimatorConfig:
    """Parameters of the estimator."""

    max_delay: float = param(
        0.1, "Oldest motion-capture pose that is used", unit="s", low=0.005, high=1.0
    )
    gate: float = param(
        0.25, "A base pose this far from the expected one is gated", unit="m", low=0.01, high=10.0
    )
    gate_rotation: float = param(
        0.5,
        "A base attitude this far from the expected one is gated",
        unit="rad",
        low=0.01,
        high=3.2,
    )
    agreement: float = param(
        0.5, "Gated poses that agree for this long are believed", unit="s", low=0.0, high=10.0
    )
    gravity: float = param(
        0.4,
        "Largest disagreement of motion capture and IMU about down",
        unit="rad",
        low=0.01,
        high=3.2,
    )
    coast: float = param(
        2.0,
        "Time without motion capture after which there is no estimate",
        unit="s",
        low=0,
        high=60,
    )
    filter: FilterConfig = FilterConfig()
    legs: LegOdometryConfig = LegOdometryConfig()
    objects: TrackerConfig = TrackerConfig()


@dataclass(frozen=True, eq=False)
class _Sample:
    """The robot's sensors at one time and the filter after them."""

    reading: RobotReading
    leg_velocity: Array | None
    state: BaseState


class Estimator:
    """Fuses everything that is measured; see the module.

    Args:
        bodies: names of the objects to track.
        config: parameters.

    Attributes:
        counters: what was dropped or gated, by name.
        complaint: why there is no estimate, in plain words; empty if there is one.
    """

    def __init__(self, bodies: tuple[str, ...] = (), config: EstimatorConfig | None = None) -> None:
        """Start without a pose."""
        self.config = config or EstimatorConfig()
        self._bodies = bodies
        self._filter = BaseFilter(self.config.filter)
        self.counters: dict[str, int] = {}
        self.reset()

    def reset(self) -> None:
        """Forget all but the counters, as after a clock jump."""
        delay = self.config.max_delay
        self._gates = {name: StampGate(delay) for name in (BASE, *self._bodies)}
        self._reading_gate = StampGate(1.0)
        self._trackers = {name: ObjectTracker(self.config.objects) for name in self._bodies}
        self._history: deque[_Sample] = deque(maxlen=200)
        self._last_reading: RobotReading | None = None
        self._mocap_stamp = -math.inf
        self._suspect: tuple[float, Array] | None = None
        self.complaint = "waiting for motion capture of the base"

    def _count(self, what: str) -> None:
        self.counters[what] = self.counters.get(what, 0) + 1

    def on_reading(self, reading: RobotReading, now: float) -> None:
        """Take in the robot's sensors.

        Args:
            reading: IMU and joints with the stamp of their measurement.
            now: time of reception [s].
        """
        if not self._accept(self._reading_gate, reading.stamp, now, "readings"):
            return
        total = reading.position.sum() + reading.velocity.sum() + reading.effort.sum()
        total += reading.angular_velocity.sum() + reading.linear_acceleration.sum()
        if not math.isfinite(total):
            self._count("readings not finite")
            return
        self._last_reading = reading
        if self._history:
            legs = body_velocity(
                reading.position,
                reading.velocity,
                reading.effort,
                reading.angular_velocity,
                self.config.legs.contact_force,
            )
            self._append(reading, legs, self._history[-1].state)

    def _append(self, reading: RobotReading, legs: Array | None, before: BaseState) -> None:
        state = self._filter.predict(
            before, reading.stamp, reading.angular_velocity, reading.linear_acceleration
        )
        if legs is not None:
            state = self._filter.correct_velocity(state, legs)
        self._history.append(_Sample(reading, legs, state))

    def on_mocap(
        self, body: str, stamp: float, position: Array, orientation: Array, now: float
    ) -> None:
        """Take in a pose of motion capture.

        Args:
            body: ``base`` or the name of an object; others are ignored.
            stamp: time of capture [s].
            position: (3,) [m], map frame.
            orientation: (4,) wxyz, body to map.
            now: time of reception [s].
        """
        if body not in self._gates:
            return
        if not math.isfinite(position.sum() + orientation.sum()):
            self._count(f"{body} poses not finite")
            return
        norm = float(np.linalg.norm(orientation))
        if abs(norm - 1.0) > 0.05:
            self._count(f"{body} quaternions not of unit length")
            return
        if not self._accept(self._gates[body], stamp, now, f"{body} poses"):
            return
        if body != BASE:
            tracker = self._trackers[body]
            tracker.update(stamp, position, orientation / norm)
            self.counters[f"{body} poses gated"] = tracker.gated
        elif self._last_reading is not None:
            self._on_base(stamp, position, orientation / norm)

    def _accept(self, gate: StampGate, stamp: float, now: float, what: str) -> bool:
        verdict = gate.judge(stamp, now)
        if verdict == Verdict.JUMPED:
            self._count("clock jumps")
            self.reset()
            return False
        if verdict != Verdict.GOOD:
            self._count(f"{what} {verdict.value}")
        return verdict == Verdict.GOOD

    def _on_base(self, stamp: float, position: Array, orientation: Array) -> None:
        if not self._history:
            self._start(stamp, position, orientation)
            return
        late = []
        while len(self._history) > 1 and self._history[-1].state.stamp > stamp:
            late.append(self._history.pop())
        at = self._history[-1]
        residual, covariance = self._filter.pose_innovation(at.state, position, orientation)
        if self._gated(stamp, position, residual):
            self._count("base poses gated")
            if self._agrees(stamp, position):
                self._history.clear()
                self._start(stamp, position, orientation)
                return
        else:
            self._suspect = None
            corrected = self._filter.correct_pose(at.state, residual, covariance)
            self._history[-1] = _Sample(at.reading, at.leg_velocity, corrected)
            self._mocap_stamp = stamp
        for sample in reversed(late):
            self._append(sample.reading, sample.leg_velocity, self._history[-1].state)

    def _gated(self, stamp: float, position: Array, residual: Array) -> bool:
        """Return whether a pose is too far from what is expected; time unseen widens the gate."""
        unseen = max(stamp - self._mocap_stamp, 0.0)
        widen = 1.0 + 2.0 * unseen
        far = np.linalg.norm(residual[:3]) > self.config.gate * widen
        turned = np.linalg.norm(residual[3:]) > self.config.gate_rotation * widen
        return bool(far or turned)

    def _agrees(self, stamp: float, position: Array) -> bool:
        """Return whether gated poses have agreed with each other for long enough."""
        if self._suspect is None or np.linalg.norm(position - self._suspect[1]) > self.config.gate:
            self._suspect = (stamp, position.copy())
        return stamp - self._suspect[0] >= self.config.agreement

    def _start(self, stamp: float, position: Array, orientation: Array) -> None:
        """Begin at a measured pose, if gravity agrees that it is upright as the IMU says."""
        reading = self._last_reading
        assert reading is not None
        down = np.array([0.0, 0.0, -1.0])
        seen = rotate_inverse(orientation, down)
        felt = rotate_inverse(reading.orientation, down)
        angle = math.acos(float(np.clip(seen @ felt, -1.0, 1.0)))
        if angle > self.config.gravity:
            self._count("base poses against gravity")
            self.complaint = (
                f"motion capture and IMU disagree about down by {angle:.2f} rad (limit "
                f"{self.config.gravity} rad): check the axes, the quaternion order and the body"
            )
            return
        self._suspect = None
        self._mocap_stamp = stamp
        state = self._filter.start(stamp, position, orientation)
        self._history.append(_Sample(reading, None, state))
        self.complaint = ""

    def estimate(self) -> RobotState | None:
        """Return the state at the newest reading, or None with the reason in ``complaint``."""
        if not self._history or self._last_reading is None:
            return None
        sample, reading = self._history[-1], self._last_reading
        base = sample.state
        unseen = base.stamp - self._mocap_stamp
        if unseen > self.config.coast:
            self.complaint = f"motion capture has not seen the base for {unseen:.1f} s"
            return None
        self.complaint = ""
        objects = {}
        for name, tracker in self._trackers.items():
            state = tracker.state(base.stamp)
            if state is not None:
                objects[name] = state
        variance = base.covariance.diagonal()
        gyro_variance = np.full(3, self.config.filter.gyro_noise**2)
        return RobotState(
            stamp=base.stamp,
            position=base.position,
            orientation=base.orientation,
            linear_velocity=base.velocity,
            angular_velocity=reading.angular_velocity - base.gyro_bias,
            joint_position=reading.position,
            joint_velocity=reading.velocity,
            objects=objects,
            covariance=np.concatenate([variance[:9], gyro_variance]),
            base_age=max(unseen, 0.0),
            joint_age=max(base.stamp - reading.stamp, 0.0),
        )
