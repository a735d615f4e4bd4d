"""Convert figures of matplotlib to SVG text."""

from __future__ import annotations

import io


def svg(figure: object) -> str:
    """Return a matplotlib figure as reproducible SVG text."""
    import matplotlib

    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "gpc_ros", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})  # type: ignore[attr-defined]
    return stream.getvalue()
