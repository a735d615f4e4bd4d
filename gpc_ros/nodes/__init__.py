"""The ROS 2 nodes: messages to arrays, one call of the core, arrays to messages."""

from gpc_ros.common.node_start import begin_node

begin_node()
