"""Faults put into a running graph, and what follows: for tests and benches, never for control."""
