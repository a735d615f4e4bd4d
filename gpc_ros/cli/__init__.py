"""The command ``gpc``."""

import signal
import sys
from pathlib import Path

# Ctrl-C ends the program without a traceback while it still imports; main() sets its own handler.
if sys.orig_argv[1:3] == ["-m", "gpc_ros.cli.main"] or Path(sys.argv[0]).name == "gpc":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
