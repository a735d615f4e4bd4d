"""From motion capture, IMU and encoders to one state."""
