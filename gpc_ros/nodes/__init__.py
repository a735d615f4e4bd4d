"""The ROS 2 nodes: messages to arrays, one call of the core, arrays to messages."""

from gpc_ros.common.scheduling import begin_aside

begin_aside()
