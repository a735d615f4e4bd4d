"""The command ``gpc``."""
