"""Quality of service of every topic, by its kind of content."""

from __future__ import annotations

from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
)


def sensor(depth: int = 5) -> QoSProfile:
    """Measurements: the newest counts, a lost message is not sent again."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.VOLATILE,
    )


def command(period: float | None = None) -> QoSProfile:
    """Commands and plans: each one arrives, only the newest is kept.

    Args:
        period: longest time between two of them [s]; a publisher that is slower, or dies, is
            reported by the middleware on request.
    """
    profile = QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.VOLATILE,
    )
    if period is not None:
        profile.deadline = Duration(seconds=period)
        profile.liveliness = LivelinessPolicy.AUTOMATIC
        profile.liveliness_lease_duration = Duration(seconds=max(4 * period, 0.5))
    return profile


def stream() -> QoSProfile:
    """Setpoints that are replaced every 2 ms: the newest is kept, a lost one is not sent again.

    A resent setpoint would arrive after its successor, and acknowledgements double the cost of
    sending. The receiver's watchdog detects a silent source.
    """
    return sensor(1)


def latched(depth: int = 1) -> QoSProfile:
    """Configuration: a late subscriber receives the last message of each publisher."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


def report(depth: int = 10) -> QoSProfile:
    """Status and diagnostics: reliable, with a short queue."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.VOLATILE,
    )
