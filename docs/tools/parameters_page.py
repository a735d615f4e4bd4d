"""docs/parameters.md: every parameter with type, default, unit, range and meaning."""

from __future__ import annotations

from typing import Any

from gpc_ros.common.config import parameters
from gpc_ros.settings.parameter_files import range_text, type_name, yaml_value


def parameters_markdown(sections: dict[str, tuple[str, Any]]) -> str:
    """Return docs/parameters.md: a table for each section.

    Args:
        sections: title to (sentence, settings).
    """
    lines = [
        "# Parameters",
        "",
        "Every parameter of nodes, tasks, optimizers and commands, with default, unit and range.",
        "`gpc config NAME` prints the same in a terminal.",
        "",
        "Set a parameter of a node with `--set NODE.NAME=VALUE`, or in the file in `config/`.",
        "A *live* parameter can change while its node runs; all others are fixed at its start.",
        "",
        "`python docs/tools/generate.py` writes this page from the code; do not edit it.",
    ]
    for title, (sentence, settings) in sections.items():
        lines += ["", f"## {title}", "", sentence, ""]
        lines += ["| parameter | type | default | unit | range | live | meaning |"]
        lines += ["|" + "---|" * 7]
        for p in parameters(settings):
            cells = (
                f"`{p.name}`", type_name(p), f"`{yaml_value(p.default)}`", p.unit, range_text(p),
                "yes" if p.live else "", p.doc,
            )  # fmt: skip
            lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines) + "\n"
