"""The ROS 2 nodes: messages to arrays, one call of the core, arrays to messages."""
