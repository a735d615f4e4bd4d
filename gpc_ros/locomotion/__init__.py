"""The 50 Hz walker: velocity command in, joint targets out."""
