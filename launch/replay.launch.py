"""Plays a bag to the nodes: ``ros2 launch gpc_ros replay.launch.py bag:=runs/latest``."""

from launch import LaunchDescription

from gpc_ros.graph.ros_launch import launch_description


def generate_launch_description() -> LaunchDescription:
    """Return the graph ``replay`` of gpc_ros/graph/graphs.py as a launch description."""
    return launch_description("replay")
