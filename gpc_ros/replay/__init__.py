"""Recorded runs as arrays, and planning them again bit for bit."""
