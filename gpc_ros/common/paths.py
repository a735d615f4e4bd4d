"""Find the shared files of the package (models, config, launch) on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gpc_ros.common.errors import GpcError

_PACKAGE = "gpc_ros"


def share_roots() -> Iterator[Path]:
    """Yield every folder that may hold the shared files, in order of preference.

    A source checkout comes first, so that an editable install sees edits; then the prefix that
    this module is installed in (pip or colcon), then the prefixes of a sourced ROS workspace.
    """
    here = Path(__file__).resolve()
    checkout = here.parents[2]
    if (checkout / "package.xml").is_file() or (checkout / "models").is_dir():
        yield checkout
    prefixes = [*here.parents]
    prefixes += [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    prefixes.append(Path(sys.prefix))
    for prefix in dict.fromkeys(prefixes):
        root = prefix / "share" / _PACKAGE
        if root.is_dir():
            yield root


def share(*parts: str) -> Path:
    """Return the path of a shared file or folder, e.g. ``share("models", "go2", "go2.xml")``.

    Without arguments: the folder that holds ``models``, ``config`` and ``launch``.

    Raises:
        GpcError: the file is missing in every place where the package can be installed.
    """
    roots = list(share_roots())
    for root in roots:
        path = root.joinpath(*parts)
        if path.exists():
            return path
    looked = ", ".join(str(root) for root in roots) or "no share folder was found"
    raise GpcError(
        f"{'/'.join(parts)} is missing (looked in: {looked}); "
        f"reinstall {_PACKAGE} or run it from its source checkout"
    )
