"""On which processor cores a node runs, and with which priority.

The planner computes without a pause for half of its period, the other nodes wake up hundreds of
times a second. Left to the kernel, each such wake-up may interrupt the planner although another
core is idle; kept apart, neither disturbs the other.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from gpc_ros.config import param


@dataclass(frozen=True)
class Scheduling:
    """How the kernel is to treat a node's threads."""

    cores: str = param(
        "all",
        "Processor cores to use: all, or one half, which leaves the other to the planner or to "
        "the rest (without effect on a single core)",
        choices=("all", "lower", "upper"),
    )
    priority: int = param(
        0, "Real-time priority to ask for (SCHED_FIFO); 0 asks for none", low=0, high=90
    )
    nice: int = param(
        0, "How far to step back for others where there is no real-time priority", low=0, high=19
    )


def chosen_cores(which: str, available: set[int]) -> set[int]:
    """Return the cores that a setting means.

    Args:
        which: ``all``, ``lower`` or ``upper``.
        available: those that there are, at least one.
    """
    cores = sorted(available)
    middle = len(cores) // 2
    if which == "all" or not middle:
        return set(cores)
    return set(cores[:middle] if which == "lower" else cores[middle:])


def schedule(wanted: Scheduling) -> str:
    """Treat every thread of this process as wanted; return what was not allowed, in words.

    The middleware's threads are among them: a loop that is on time helps little when what it
    waits for is not. Threads that begin later inherit from those that begin them.
    """
    cores = chosen_cores(wanted.cores, os.sched_getaffinity(0))
    try:
        for thread in os.listdir("/proc/self/task"):
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setaffinity(int(thread), cores)
                if wanted.nice:
                    os.setpriority(os.PRIO_PROCESS, int(thread), wanted.nice)
                if wanted.priority:
                    parameter = os.sched_param(wanted.priority)
                    os.sched_setscheduler(int(thread), os.SCHED_FIFO, parameter)
    except OSError:
        return "no permission for real-time priority: expect late cycles on a busy machine"
    return ""
