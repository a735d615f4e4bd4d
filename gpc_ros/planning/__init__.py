"""Sampling-based MPC: splines, optimizers, closed-loop rollouts, the planner."""
