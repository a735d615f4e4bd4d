"""Nodes as processes that can be killed, paused and restarted."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpc_ros.graph.launcher import command, end_with_parent
from gpc_ros.graph.resolve import NodeStart


class NodeProcesses:
    """The nodes of a graph as processes.

    Args:
        folder: for the output of the nodes.
        starts: all nodes.
        dormant: nodes that only :meth:`start` starts.

    Attributes:
        folder: for the output of the nodes.
    """

    def __init__(
        self, folder: Path, starts: Iterable[NodeStart], dormant: Sequence[str] = ()
    ) -> None:
        """Start nothing yet."""
        self.folder = folder
        self._starts = {start.name: start for start in starts}
        self._dormant = set(dormant)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._begun: dict[str, float] = {}
        self._nice = os.getpriority(os.PRIO_PROCESS, 0)

    def start(
        self, name: str, *, largest_file: int = 0, **parameters: Any
    ) -> subprocess.Popen[bytes]:
        """Start a node.

        Args:
            name: of the node.
            largest_file: size limit of its files, as on a full disk [bytes]; 0 for no limit.
            parameters: overrides of the graph's values, with two underscores for a dot.
        """
        begin = self._starts[name]
        named = {key.replace("__", "."): value for key, value in parameters.items()}
        begin = replace(begin, parameters={**begin.parameters, **named})
        self._processes[name] = process = self._spawn(begin, name, largest_file)
        return process

    def another(self, name: str, **parameters: Any) -> subprocess.Popen[bytes]:
        """Start a second instance of a node, as by mistake."""
        named = {key.replace("__", "."): value for key, value in parameters.items()}
        begin = replace(
            self._starts[name],
            name=f"{name}_again",
            parameters={**self._starts[name].parameters, **named},
        )
        self._processes[begin.name] = process = self._spawn(begin, begin.name)
        return process

    def _spawn(self, begin: NodeStart, name: str, largest_file: int = 0) -> subprocess.Popen[bytes]:
        die_with_me = end_with_parent(os.getpid())
        self._begun[name] = time.time()

        def prepare() -> None:
            die_with_me()
            os.setpriority(os.PRIO_PROCESS, 0, max(self._nice, 0))
            if largest_file:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        log = self.folder / f"{name}.log"
        with log.open("ab") as stream:
            return subprocess.Popen(
                command(begin),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **begin.environment},
                preexec_fn=prepare,
            )

    def output(self, name: str) -> str:
        """Return the output of the nodes of a name so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def kill(self, name: str) -> float:
        """Kill a node; return the time [s]."""
        now = time.time()
        self._processes[name].kill()
        self._processes[name].wait()
        return now

    def pause(self, name: str, paused: bool = True) -> None:
        """Pause a node, or resume it."""
        self._processes[name].send_signal(signal.SIGSTOP if paused else signal.SIGCONT)

    def runs(self, name: str) -> bool:
        """Return whether a node's process exists."""
        return name in self._processes and self._processes[name].poll() is None

    def begun(self, name: str) -> float:
        """Return when a node was last started [s]; 0 if never."""
        return self._begun.get(name, 0.0)

    def start_all(self) -> None:
        """Start every node that does not run, except dormant ones, and resume paused ones."""
        for name in self._starts:
            if name in self._dormant:
                continue
            if not self.runs(name):
                self.start(name)
            self.pause(name, False)

    def kill_leftovers(self) -> None:
        """Kill second instances and all started dormant nodes."""
        for name in (set(self._processes) - set(self._starts)) | self._dormant:
            if self.runs(name):
                self.kill(name)

    def kill_all(self) -> None:
        """Kill everything."""
        for process in self._processes.values():
            process.kill()
            process.wait()
