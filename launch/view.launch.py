"""Shows a running graph in a browser: ``ros2 launch gpc_ros view.launch.py port:=8080``."""

from launch import LaunchDescription

from gpc_ros.graph.ros_launch import launch_description


def generate_launch_description() -> LaunchDescription:
    """Return the graph ``view`` of gpc_ros/graph/graphs.py as a launch description."""
    return launch_description("view")
