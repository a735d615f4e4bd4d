"""The estimator: fuses motion capture, IMU and encoders into one state of robot and objects.

Inputs are validated, gated and counted here. An error-state filter, corrected at the time of
capture, estimates the base; one tracker per object estimates the objects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.geometry import cross
from gpc_ros.estimation.base_filter import BaseFilter, FilterConfig
from gpc_ros.estimation.delayed_filter import DelayedFilter, Sample
from gpc_ros.estimation.leg_odometry import LegOdometryConfig, leg_odometry
from gpc_ros.estimation.lever_arm import base_covariance, base_from_imu, imu_position
from gpc_ros.estimation.nominal_state import NominalState, Vector, minus, quaternion, vector
from gpc_ros.estimation.object_tracker import ObjectTracker, TrackerConfig
from gpc_ros.estimation.outlier_gate import OutlierGate, OutlierGateConfig
from gpc_ros.estimation.plausibility import (
    Plausibility,
    PlausibilityConfig,
    disagreement_about_down,
    tilt_between,
)
from gpc_ros.estimation.timestamps import StampGate, Verdict
from gpc_ros.robot.kinematics import IMU_POSITION
from gpc_ros.robot.types import RobotReading, SceneState

BASE = "base"
_IMU = np.array(IMU_POSITION)
# A larger step back of the clock counts as a clock jump [s].
_BACK = 0.02
# Share of flipped poses from which an object is reported.
_FLIPS = 0.02
# Older readings are rejected [s].
_OLD_READING = 1.0


@dataclass(frozen=True)
class EstimatorConfig:
    """Parameters of the estimator."""

    FORMER_NAMES: ClassVar = {"jump": "outlier_gate"}

    max_delay: float = param(
        0.1, "Maximum age of a motion-capture pose", unit="s", low=0.005, high=1.0
    )
    coast: float = param(
        2.0,
        "Time without motion capture after which the estimate is lost",
        unit="s",
        low=0,
        high=60,
    )
    gap: float = param(
        0.1,
        "Pause of the readings after which the estimator restarts",
        unit="s",
        low=0.01,
        high=1.0,
    )
    clearance: float = param(
        0.15,
        "Object poses within this distance of the base centre are rejected",
        unit="m",
        low=0,
        high=1,
    )
    filter: FilterConfig = FilterConfig()
    outlier_gate: OutlierGateConfig = OutlierGateConfig()
    plausibility: PlausibilityConfig = PlausibilityConfig()
    legs: LegOdometryConfig = LegOdometryConfig()
    objects: TrackerConfig = TrackerConfig()


class Estimator:
    """Fuses all measurements; see the module.

    Args:
        bodies: names of the objects to track.
        config: parameters.

    Attributes:
        counters: numbers of rejected and gated measurements, by name.
        complaint: reason for a missing estimate or for ignored motion capture; empty otherwise.
    """

    def __init__(self, bodies: tuple[str, ...] = (), config: EstimatorConfig | None = None) -> None:
        """Start without a pose."""
        self.config = config or EstimatorConfig()
        self._bodies = bodies
        self.counters: dict[str, int] = {}
        self._now = -math.inf
        self.reset()

    def reset(self) -> None:
        """Reset everything except the counters, for example after a clock jump."""
        c = self.config
        self._gates = {name: StampGate(c.max_delay) for name in (BASE, *self._bodies)}
        self._reading_gate = StampGate(_OLD_READING)
        self._trackers = {name: ObjectTracker(c.objects) for name in self._bodies}
        self._start_over("waiting for motion capture of the base")

    def _start_over(self, complaint: str) -> None:
        """Reset the base; keep the objects."""
        self._base = DelayedFilter(self.config.filter, self.config.max_delay)
        self._outlier_gate = OutlierGate(self.config.outlier_gate)
        self._plausibility = Plausibility(self.config.plausibility)
        self._started = False
        self._reading: RobotReading | None = None
        self._sample: Sample | None = None  # sample of that reading
        self._legs: Array | None = None  # newest leg odometry
        self._until_legs = 0
        self._mocap_stamp = -math.inf
        self.complaint = complaint

    def _count(self, what: str) -> None:
        self.counters[what] = self.counters.get(what, 0) + 1

    def _accept(self, gate: StampGate, stamp: float, now: float, what: str) -> bool:
        """Return whether a stamp is accepted; a clock set back resets everything."""
        if now < self._now - _BACK:
            self._count("clock jumps")
            self._now = now
            self.reset()
            return False
        self._now = max(now, self._now)
        verdict = gate.check(stamp, now)
        if verdict == Verdict.GOOD:
            return True
        self._count(f"{what} {verdict.value}")
        if not self._started and abs(gate.lead) > self.config.max_delay:
            self.complaint = f"{what} are stamped {gate.lead:+.3f} s off the clock: compare clocks"
        return False

    def on_reading(self, reading: RobotReading, now: float) -> None:
        """Process a sensor reading of the robot.

        Args:
            reading: IMU and joints with the time of measurement.
            now: time of reception [s].
        """
        parts = (
            reading.position, reading.velocity, reading.effort, reading.orientation,
            reading.angular_velocity, reading.linear_acceleration,
        )  # fmt: skip
        if not np.isfinite(np.concatenate(parts)).all():
            self._count("readings not finite")
            return
        if not self._accept(self._reading_gate, reading.stamp, now, "readings"):
            return
        pause = reading.stamp - self._reading.stamp if self._reading is not None else 0.0
        if pause > self.config.gap:
            self._count("reading gaps")
            self._start_over(f"the robot was silent for {pause:.3f} s: waiting for motion capture")
        self._reading = reading
        legs = self._ask_legs(reading)
        unseen = reading.stamp - self._mocap_stamp > self.config.legs.after
        self._sample = Sample(
            reading.stamp,
            vector(reading.angular_velocity),
            vector(reading.linear_acceleration),
            # The filter tracks the IMU.
            legs + cross(reading.angular_velocity, _IMU) if legs is not None and unseen else None,
        )
        if self._started:
            self._base.append(self._sample)
            self._plausibility.feel(reading, self._rates(), legs)

    def _ask_legs(self, reading: RobotReading) -> Array | None:
        """Return leg odometry every few readings, because its errors are correlated in time."""
        self._until_legs -= 1
        if self._until_legs > 0:
            return None
        self._until_legs = self.config.legs.every
        self._legs = leg_odometry(reading, self.config.legs)
        return self._legs

    def on_mocap(
        self, body: str, stamp: float, position: Array, orientation: Array, now: float
    ) -> None:
        """Process a motion-capture pose.

        Args:
            body: ``base`` or the name of an object; others are ignored.
            stamp: time of capture [s].
            position: (3,) [m], map frame.
            orientation: (4,) wxyz, body to map.
            now: time of reception [s].
        """
        if body not in self._gates:
            return
        if not np.isfinite(np.concatenate((position, orientation))).all():
            self._count(f"{body} poses not finite")
            return
        norm = math.sqrt(float(orientation @ orientation))
        if abs(norm - 1.0) > 0.05:
            self._count(f"{body} quaternions not of unit length")
            return
        if not self._accept(self._gates[body], stamp, now, f"{body} poses"):
            return
        if body != BASE:
            self._on_object(body, stamp, position, orientation / norm)
        elif self._sample is not None:
            self._on_base(stamp, position, orientation / norm, self._sample)

    def _on_object(self, body: str, stamp: float, position: Array, orientation: Array) -> None:
        if self._started and math.dist(position, self._head().position) < self.config.clearance:
            self._count(f"{body} poses inside the robot")
            return
        tracker = self._trackers[body]
        tracker.update(stamp, position, orientation)
        self.counters[f"{body} poses gated"] = tracker.gated

    def warnings(self) -> list[str]:
        """Return a sentence for each object whose attitude flips; empty if none does."""
        found = {body: tracker.flips for body, tracker in self._trackers.items()}
        return [
            f"{100 * flips.share:.0f} % of the poses of {body} in the last second are turned by "
            f"{flips.angle:.2f} rad: place its markers asymmetrically"
            for body, flips in found.items()
            if flips.share > _FLIPS
        ]

    def _on_base(self, stamp: float, position: Array, orientation: Array, last: Sample) -> None:
        if not self._started:
            if self._upright(orientation):
                self._started = True
                self._mocap_stamp = stamp
                attitude = quaternion(orientation)
                where = imu_position(vector(position), attitude)
                self._base.start(stamp, where, attitude, last)
                self._outlier_gate.accept(where)
                self.complaint = ""
        elif stamp < self._base.filter.stamp:
            self._count("base poses too late")
        else:
            assert self._reading is not None
            self._plausibility.see(stamp, position, orientation, self._reading)
            self._base.at(stamp, lambda f: self._correct(f, position, orientation))

    def _correct(self, base: BaseFilter, position: Array, orientation: Array) -> None:
        """Correct the filter, which is at the time of the pose, unless the pose is gated."""
        attitude = quaternion(orientation)
        where = imu_position(vector(position), attitude)
        residual, covariance = base.innovation(where, attitude)
        if self._outlier_gate.expected(residual, covariance):
            base.correct_pose(residual, covariance)
            self._outlier_gate.accept(where)
            self._mocap_stamp = base.stamp
            return
        self._count("base poses gated")
        gyro = self._sample.gyro if self._sample else (0.0, 0.0, 0.0)
        lost = base.stamp - self._mocap_stamp > self.config.coast
        agreed = self._outlier_gate.agreed(base.stamp, where, self._legs, gyro, lost=lost)
        if lost and self._plausibility.misplaced:
            self._outlier_gate.complaint = self._plausibility.misplaced
        elif agreed and self._upright(orientation):
            self._count("base jumps accepted")
            base.move(where, attitude)
            self._outlier_gate.accept(where)
            self._mocap_stamp = base.stamp

    def _upright(self, orientation: Array) -> bool:
        """Return whether a measured attitude agrees with gravity; set the complaint otherwise."""
        assert self._reading is not None
        limit = self.config.plausibility.gravity
        angle = tilt_between(quaternion(orientation), quaternion(self._reading.orientation))
        if angle <= limit:
            return True
        self._count("base poses against gravity")
        self.complaint = disagreement_about_down(angle, limit)
        return False

    def estimate(self) -> SceneState | None:
        """Return the state at the newest reading, or None with the reason in ``complaint``."""
        reading, base = self._reading, self._base
        if not self._started or reading is None:
            return None
        stamp = base.stamp
        unseen = stamp - self._mocap_stamp
        self.complaint = self._outlier_gate.complaint
        if unseen > self.config.coast:
            self.complaint = self.complaint or (
                f"motion capture has not seen the base for {unseen:.1f} s"
            )
            return None
        if base.slips:
            self.counters["no foot stands"] = base.slips
        states = {name: tracker.state(stamp) for name, tracker in self._trackers.items()}
        head = self._head()
        return SceneState(
            stamp=stamp,
            position=np.array(head.position),
            orientation=np.array(head.orientation),
            linear_velocity=np.array(head.velocity),
            angular_velocity=np.array(self._rates()),
            joint_position=reading.position,
            joint_velocity=reading.velocity,
            objects={name: state for name, state in states.items() if state is not None},
            covariance=self.covariance().diagonal().copy(),
            base_age=max(unseen, 0.0),
            joint_age=max(stamp - reading.stamp, 0.0),
            mocap_inconsistency=self._plausibility.inconsistency,
        )

    def _rates(self) -> Vector:
        """Return the newest bias-free angular velocity [rad/s]."""
        assert self._sample is not None
        return minus(self._sample.gyro, self._base.filter.gyro_bias)

    def _head(self) -> NominalState:
        """Return the newest state of the base; it must exist."""
        return base_from_imu(self._base.head, self._rates())

    def covariance(self, body: str = BASE) -> Array:
        """Return the covariance of the base (12, 12) or an object (9, 9) at the newest reading.

        Position [m, map], rotation [rad, body frame], linear velocity [m/s, map]; for the base also
        angular velocity [rad/s, base frame]. The state must exist.
        """
        if body != BASE:
            return self._trackers[body].covariance(self._base.stamp)
        noise = self.config.filter.gyro_noise
        head = self._base.head.orientation
        return base_covariance(self._base.covariance(), head, self._rates(), noise)
