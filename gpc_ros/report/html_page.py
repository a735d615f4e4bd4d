"""Build a complete HTML page from sections, page.css and page.js.

Everything is inline, so the page opens on any machine without a network. A content
security policy forbids the network and every script but page.js.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import Any


def _part(name: str) -> str:
    """Return a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def page(title: str, body: str, data: dict[str, Any]) -> str:
    """Return a complete HTML page.

    Args:
        title: title of the window.
        body: HTML of the content.
        data: input of page.js.
    """
    # Escaped as \u003c, so that no text can end the data block or open a comment in it.
    values = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    script = f"\n{_part('page.js')}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_policy(script))}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{_part('page.css')}</style></head>\n"
        f"<body><main>\n{body}\n</main>"
        f'<script type="application/json" id="data">{values}</script>'
        f"<script>{script}</script></body></html>\n"
    )


def _policy(script: str) -> str:
    """Return the content security policy of a page with one inline script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )
