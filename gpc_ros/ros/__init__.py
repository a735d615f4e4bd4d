"""Helpers for nodes: runner, QoS, diagnostics, parameters, message validation."""
