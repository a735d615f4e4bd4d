"""Hooks of mkdocs: pages from outside docs/ and one API page per room of the package."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Pages whose text lies at the top of the repository: name there and name on the site.
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
# Drawn by the viewers of repositories, with a library that a site opened from disk does not have.
_MERMAID = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)
_LINK = re.compile(r"(\]\()(?!\w+:|#)([^)#\s]+)")


def rooms(package: Path) -> dict[str, list[str]]:
    """Return the public modules of each room of a package, by room.

    Args:
        package: folder of the package; a room is a folder in it with an ``__init__.py``.
    """
    found: dict[str, list[str]] = {}
    for room in sorted(path.parent for path in package.glob("*/__init__.py")):
        names = []
        for path in sorted(room.rglob("*.py")):
            parts = [package.name, *path.relative_to(package).with_suffix("").parts]
            if parts[-1] == "__init__":
                parts.pop()
            if not any(part.startswith("_") for part in parts):
                names.append(".".join(parts))
        found[room.name] = names
    return found


def api_page(room: str, modules: list[str]) -> str:
    """Return the page of a room: mkdocstrings fills in each module."""
    return f"# {room}\n\n" + "\n".join(f"::: {module}\n" for module in modules)


def api_index(package: Path) -> str:
    """Return the page that lists the rooms with the first line of their docstrings."""
    import ast

    lines = ["# API", "", "The docstrings of every module, by room.", "", "| room | contents |"]
    lines += ["|---|---|"]
    for room in rooms(package):
        tree = ast.parse((package / room / "__init__.py").read_text(encoding="utf-8"))
        first = (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"| [{room}]({room}.md) | {first} |")
    return "\n".join(lines) + "\n"


def moved_links(text: str, here: str) -> str:
    """Rewrite a page's relative links from places in the repository to places on the site.

    A link to a file that the site does not have becomes a link to nothing and fails the build.

    Args:
        text: Markdown.
        here: the page's path in the repository, such as ``README.md`` or ``docs/view.md``.
    """
    folder = posixpath.dirname(here)

    def moved(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        target = OUTSIDE.get(target, target.removeprefix("docs/"))
        return match[1] + target

    return _LINK.sub(moved, text)


def on_config(config: Any) -> Any:
    """Add the API pages to the navigation."""
    names = rooms(ROOT / "gpc_ros")
    pages = ["api/index.md", *({room: f"api/{room}.md"} for room in names)]
    config.nav.insert(-1, {"API": pages})
    config.watch.append(str(ROOT / "gpc_ros"))
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are not files of docs/."""
    from mkdocs.structure.files import File

    texts = {"api/index.md": api_index(ROOT / "gpc_ros")}
    for room, modules in rooms(ROOT / "gpc_ros").items():
        texts[f"api/{room}.md"] = api_page(room, modules)
    for source, page in OUTSIDE.items():
        texts[page] = (ROOT / source).read_text(encoding="utf-8")
    for name, text in texts.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(text: str, page: Any, config: Any, files: Any) -> str:
    """Rewrite the links of a page and leave out diagrams that need a library of the network."""
    name = page.file.src_uri
    if name.startswith("api/"):
        return text
    back = {site: source for source, site in OUTSIDE.items()}
    return moved_links(_MERMAID.sub("", text), back.get(name, f"docs/{name}"))
