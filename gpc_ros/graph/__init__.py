"""The graph of nodes as data, its arguments, and the launcher that starts it as processes."""
