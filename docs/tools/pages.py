"""Fill generated blocks, enclosed by marks, in the pages of docs/."""

from __future__ import annotations

from collections.abc import Mapping


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """Return a page with the text between its marks replaced.

    Args:
        page: Markdown with ``<!-- begin NAME -->`` and ``<!-- end NAME -->``.
        blocks: text between the marks, by name; blocks missing from the page are ignored.
    """
    for name, text in blocks.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        head, found, rest = page.partition(begin)
        _, closed, tail = rest.partition(end)
        if found and closed:
            page = f"{head}{begin}\n\n{text}\n\n{end}{tail}"
    return page
