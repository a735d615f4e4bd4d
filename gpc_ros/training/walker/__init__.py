"""Training of a velocity-tracking walker: randomised worlds, reward, environment, PPO.

Training needs the walker extra (rsl-rl and torch); running the trained walker needs neither.
"""
