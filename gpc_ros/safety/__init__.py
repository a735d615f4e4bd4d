"""What the robot may do: the supervisor and the joint limits, pure functions of inputs and time."""
