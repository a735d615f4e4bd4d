"""Parameters of every node, read from and written to files."""
