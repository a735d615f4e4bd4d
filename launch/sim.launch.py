"""Starts the simulated robot with its planner: ``ros2 launch gpc_ros sim.launch.py seed:=3``."""

from launch import LaunchDescription

from gpc_ros.graph.ros_launch import launch_description


def generate_launch_description() -> LaunchDescription:
    """Return the graph ``sim`` of gpc_ros/graph/graphs.py as a launch description."""
    return launch_description("sim")
