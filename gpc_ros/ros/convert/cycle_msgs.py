"""The record of a planning cycle as a message."""

from __future__ import annotations

from gpc_msgs.msg import PlannerCycle
from gpc_ros.planning.cycle import CycleRecord
from gpc_ros.replay.cycle_records import cycle_fields
from gpc_ros.ros.convert.msgs import set_time


def cycle_to_msg(record: CycleRecord, message: PlannerCycle) -> PlannerCycle:
    """Fill a message with the inputs and the results of a cycle."""
    set_time(message.header.stamp, record.inputs.stamp)
    for name, value in cycle_fields(record).items():
        setattr(message, name, value)
    return message
