"""Inject faults into a running graph and check the reactions, for tests and benches only."""
