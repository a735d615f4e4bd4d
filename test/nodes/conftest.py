"""Fixtures that start nodes and communicate with them."""

from live_nodes import context, domain, probe, start_node

__all__ = ["context", "domain", "probe", "start_node"]
