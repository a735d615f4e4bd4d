"""Sampling-based MPC: splines, optimisers, closed-loop rollouts, the planner."""
