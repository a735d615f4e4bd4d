"""Last guard of a program: an unforeseen exception becomes one sentence and a file of details."""

from __future__ import annotations

import platform
import sys
import time
import traceback

from gpc_ros import __version__
from gpc_ros.common.errors import GpcError
from gpc_ros.common.process_environment import private_folder

# Exit code of a program that an unforeseen exception ended.
CRASHED = 1
_REPORT = "please report it with that file (CONTRIBUTING.md)"


def crash_sentence(program: str, error: BaseException) -> str:
    """Write the details of an exception to a file; return the sentence for the user.

    Args:
        program: name of the command or node.
        error: the exception.
    """
    kind = type(error).__name__
    summary = " ".join(str(error).split())[:200]
    sentence = f"{program}: unexpected error: {kind}{': ' if summary else ''}{summary}"
    details = "".join(traceback.format_exception(error))
    head = (
        f"{program}\ngpc_ros {__version__}, Python {platform.python_version()}, "
        f"{platform.platform()}\n{sys.orig_argv}\n\n"
    )
    try:
        folder = private_folder("crashes", "")
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = folder / f"{stamp}-{time.monotonic_ns()}.txt"
        path.write_text(head + details, encoding="utf-8", errors="backslashreplace")
    except (GpcError, OSError):
        print(head + details, file=sys.stderr)
        return f"{sentence}; the details are above"
    return f"{sentence}; the details are in {path}; {_REPORT}"
