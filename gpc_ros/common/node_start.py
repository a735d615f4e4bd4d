"""First steps of a node process, before anything heavy is imported."""

from __future__ import annotations

import signal
import sys

from gpc_ros.common.errors import REFUSED, ConfigError
from gpc_ros.common.process_environment import check_environment, make_output_robust
from gpc_ros.common.scheduling import begin_aside, is_node


def begin_node(words: tuple[str, ...] = tuple(sys.orig_argv)) -> None:
    """Prepare a node process; other processes that import a node stay as they are.

    Until the node installs its own handlers, Ctrl-C ends the process without a traceback. The
    launcher starts nodes with SIGINT blocked, so that none arrives before this point.

    Args:
        words: command line of this process.

    Raises:
        SystemExit: the environment is refused; the reason is on stderr.
    """
    if not is_node(words):
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    make_output_robust()
    begin_aside(words)
    try:
        check_environment(ros=True, words=words)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(REFUSED) from None
