"""The frame of the report: the page around its sections, with page.css and page.js.

Everything is inline: the page must open anywhere, years later, without a network.
"""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import Any


def _part(name: str) -> str:
    """Return a file that stands beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def page(title: str, body: str, data: dict[str, Any]) -> str:
    """Return a complete HTML page.

    Args:
        title: of the window.
        body: HTML of the content.
        data: what the script needs; see the report.
    """
    values = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{_part('page.css')}</style></head>\n"
        f"<body><main>\n{body}\n</main>"
        f'<script type="application/json" id="data">{values}</script>'
        f"<script>\n{_part('page.js')}</script></body></html>\n"
    )
