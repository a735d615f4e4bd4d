"""Print the version of the Python that runs this, and which parts for building it lacks.

Exit code 1 if the version is not supported. Runs on any Python 3.
"""

import importlib.util
import os
import sys
import sysconfig

SUPPORTED = ((3, 11), (3, 13))  # oldest and newest


def main() -> int:
    """Print, for example, ``3.12`` or ``3.12 without headers ensurepip``."""
    if not SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]:
        return 1
    missing = []
    if not os.path.isfile(os.path.join(sysconfig.get_path("include"), "Python.h")):
        missing.append("headers")
    if any(importlib.util.find_spec(name) is None for name in ("ensurepip", "venv")):
        missing.append("ensurepip")
    version = ".".join(map(str, sys.version_info[:2]))
    print(" ".join([version, *(["without", *missing] if missing else [])]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
