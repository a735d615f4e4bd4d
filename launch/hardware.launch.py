"""Runs a Go2: ``ros2 launch gpc_ros hardware.launch.py interface:=enp3s0``."""

from launch import LaunchDescription

from gpc_ros.graph.ros_launch import launch_description


def generate_launch_description() -> LaunchDescription:
    """Return the graph ``hardware`` of gpc_ros/graph/graphs.py as a launch description."""
    return launch_description("hardware")
