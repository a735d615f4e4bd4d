"""Processor cores and real-time priority of a node.

The planner computes without a pause for half of its period; the other nodes wake up hundreds of
times a second. With the kernel's placement each wake-up may interrupt the planner although another
core is idle. On separate halves of the cores they do not disturb each other.

Real-time priority alone does not protect the control loop: since Linux 6.12 the fair server runs
starved ordinary threads before all others for up to 50 ms per second, and the control loop stalls
for that time. Therefore starting nodes (seconds of imports), the recorder and the viewer use the
planner's half, where they cost samples instead.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from gpc_ros.common.config import param

# Cores of the machine, for child processes of a node that began on half of them.
_CORES = "GPC_ROS_CORES"


@dataclass(frozen=True)
class Scheduling:
    """Scheduling of a node's threads."""

    cores: str = param(
        "all",
        "Processor cores to use: all, or one half, which leaves the other to the planner or to "
        "the rest (without effect on a single core)",
        choices=("all", "lower", "upper"),
    )
    priority: int = param(
        0,
        "Real-time priority to request (SCHED_FIFO); 0 for ordinary priority",
        low=0,
        high=90,
    )
    nice: int = param(0, "Niceness of threads without real-time priority", low=0, high=19)


def chosen_cores(which: str, available: set[int]) -> set[int]:
    """Return the cores of a setting.

    Args:
        which: ``all``, ``lower`` or ``upper``.
        available: cores of the machine, at least one.
    """
    cores = sorted(available)
    middle = len(cores) // 2
    if which == "all" or not middle:
        return set(cores)
    return set(cores[:middle] if which == "lower" else cores[middle:])


def begin_aside(words: tuple[str, ...] = tuple(sys.orig_argv)) -> None:
    """Keep a node to the lower half of the cores until :func:`schedule` moves it.

    Call it before anything large is imported. Processes other than nodes are not changed.

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
    """Return the cores that this process may use after its start."""
    given = os.environ.get(_CORES, "")
    return set(map(int, given.split(","))) if given else os.sched_getaffinity(0)


def schedule(wanted: Scheduling) -> str:
    """Apply the scheduling to every thread; return a warning if permission is missing.

    This includes the threads of the middleware, whose messages the loop waits for. Later threads
    inherit from their creator.
    """
    cores = chosen_cores(wanted.cores, available_cores())
    try:
        for thread in _threads():
            with contextlib.suppress(ProcessLookupError):  # the thread has ended
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
    """Give up cores and priority of every thread at the end of a node (undo :func:`schedule`)."""
    cores = chosen_cores("lower", available_cores())
    for thread in _threads():
        with contextlib.suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
            os.sched_setaffinity(thread, cores)


def _threads() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/task")]
