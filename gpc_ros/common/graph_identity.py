"""The identity of a running graph: all nodes that one command starts share it.

It separates graphs that share a domain: a node calls only the services of its graph. It is not
a secret and protects against mistakes, not against attacks.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping

VARIABLE = "GPC_GRAPH_ID"
# Identity of nodes that were started one by one.
BY_HAND = "by_hand"


def new_graph_id() -> str:
    """Return an identity that no other graph has."""
    return secrets.token_hex(6)


def graph_id(environment: Mapping[str, str] = os.environ) -> str:
    """Return the identity of the graph that this process belongs to."""
    given = environment.get(VARIABLE, "")
    return given if re.fullmatch(r"[0-9a-z_]{1,40}", given) else BY_HAND


def own_service(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the name under which the nodes of this graph alone offer and call a service."""
    return f"_graph_{graph_id(environment)}/{name}"
