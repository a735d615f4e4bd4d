"""On which processor cores a node runs, and with which priority.

The planner computes without a pause for half of its period, the other nodes wake up hundreds of
times a second. Left to the kernel, each such wake-up may interrupt the planner although another
core is idle; kept apart, neither disturbs the other.

Real-time priority alone does not keep others away: where ordinary work is short of time, Linux
lets it run before everything else for up to 50 ms in a second (the fair server, since 6.12), and
for that long the control loop stands still. So what starts, which takes seconds of imports, and
what records or draws keeps to the planner's half, where it costs samples instead.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from gpc_ros.common.config import param

# Tells processes that a node starts which cores there are besides those that it began on.
_CORES = "GPC_ROS_CORES"


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


def begin_aside(words: tuple[str, ...] = tuple(sys.orig_argv)) -> None:
    """Keep a node to the lower half of the cores until :func:`schedule` says where it belongs.

    To be called before anything large is imported. Processes that are no node stay as they are.

    Args:
        words: command line of this process.
    """
    if not is_node(words):
        return
    available = os.sched_getaffinity(0)
    os.environ[_CORES] = ",".join(map(str, sorted(available)))
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, chosen_cores("lower", available))


def is_node(words: tuple[str, ...]) -> bool:
    """Return whether a command line is ``python -m gpc_ros.nodes.NAME`` or ``python .../NAME``."""
    if words[1:2] == ("-m",):
        return len(words) > 2 and words[2].startswith("gpc_ros.nodes.")
    nodes = {path.stem for path in (Path(__file__).parents[1] / "nodes").glob("[!_]*.py")}
    return len(words) > 1 and Path(words[1]).name in nodes


def available_cores() -> set[int]:
    """Return the cores that this process may use once it has begun."""
    given = os.environ.get(_CORES, "")
    return set(map(int, given.split(","))) if given else os.sched_getaffinity(0)


def schedule(wanted: Scheduling) -> str:
    """Treat every thread of this process as wanted; return what was not allowed, in words.

    The middleware's threads are among them: a loop that is on time helps little when what it
    waits for is not. Threads that begin later inherit from those that begin them.
    """
    cores = chosen_cores(wanted.cores, available_cores())
    try:
        for thread in _threads():
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setaffinity(thread, cores)
                if wanted.nice:
                    os.setpriority(os.PRIO_PROCESS, thread, wanted.nice)
                if wanted.priority:
                    parameter = os.sched_param(wanted.priority)
                    os.sched_setscheduler(thread, os.SCHED_FIFO, parameter)
    except OSError:
        return "no permission for real-time priority: expect late cycles on a busy machine"
    return ""


def drop_priority() -> None:
    """Give up cores and priority of every thread, where a node ends: the opposite of schedule."""
    cores = chosen_cores("lower", available_cores())
    for thread in _threads():
        with contextlib.suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
            os.sched_setaffinity(thread, cores)


def _threads() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/task")]
