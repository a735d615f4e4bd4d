"""Pictures of matplotlib as text."""

from __future__ import annotations

import io


def svg(figure: object) -> str:
    """Return a matplotlib figure as SVG text that is the same in every run."""
    import matplotlib

    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "gpc_ros", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})  # type: ignore[attr-defined]
    return stream.getvalue()
