"""State estimation from motion capture, IMU and joint encoders."""
