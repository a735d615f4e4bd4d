"""Motion capture: mapping to the map frame, calibration, and a client without a ROS driver."""
