"""Training of a velocity-tracking walker: randomised worlds, reward, environment, PPO.

Needs the walker extra (rsl-rl and torch); what walks with the result needs neither.
"""
