"""Lockstep episodes over many seeds, and their statistics."""
