"""Motion capture over its own network, through the library of its makers, without a ROS driver."""
