"""Starts an emulated Go2 behind the SDK: ``ros2 launch gpc_ros emulator.launch.py``."""

from launch import LaunchDescription

from gpc_ros.graph.ros_launch import launch_description


def generate_launch_description() -> LaunchDescription:
    """Return the graph ``emulator`` of gpc_ros/graph/graphs.py as a launch description."""
    return launch_description("emulator")
