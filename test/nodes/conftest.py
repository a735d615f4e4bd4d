"""Fixtures that start nodes and talk to them."""

from live_nodes import context, domain, probe, start_node

__all__ = ["context", "domain", "probe", "start_node"]
