"""Joins IMU and joint messages of the same stamp into one reading of the robot's sensors."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from gpc_ros.robot.types import RobotReading
from gpc_ros.ros.convert.robot_msgs import ImuReading, Joints

# Stamps this close are equal [s]: a float holds less than the nanoseconds of a message.
_SAME = 1e-6


class Pairing:
    """Two streams that are merged by their stamps.

    Attributes:
        dropped: number of messages without a partner.
    """

    def __init__(self, depth: int = 20) -> None:
        """Create an empty pairing that keeps at most ``depth`` waiting messages per stream."""
        self._imu: deque[ImuReading] = deque()
        self._joints: deque[Joints] = deque()
        self._depth = depth
        self.dropped = 0

    def add_imu(self, imu: ImuReading) -> None:
        """Take in an IMU reading."""
        self._imu.append(imu)

    def add_joints(self, joints: Joints) -> None:
        """Take in joint values."""
        self._joints.append(joints)

    def ready(self) -> Iterator[RobotReading]:
        """Yield, once, every complete reading, in the order of the stamps."""
        while self._imu and self._joints:
            imu, joints = self._imu[0], self._joints[0]
            if imu.stamp < joints.stamp - _SAME:
                self._imu.popleft()
                self.dropped += 1
            elif joints.stamp < imu.stamp - _SAME:
                self._joints.popleft()
                self.dropped += 1
            else:
                self._imu.popleft()
                self._joints.popleft()
                yield RobotReading(
                    stamp=joints.stamp,
                    position=joints.position,
                    velocity=joints.velocity,
                    effort=joints.effort,
                    orientation=imu.orientation,
                    angular_velocity=imu.angular_velocity,
                    linear_acceleration=imu.linear_acceleration,
                )
        self._drop_old()

    def _drop_old(self) -> None:
        """Bound the memory when one of the streams is silent."""
        while len(self._imu) > self._depth:
            self._imu.popleft()
            self.dropped += 1
        while len(self._joints) > self._depth:
            self._joints.popleft()
            self.dropped += 1
