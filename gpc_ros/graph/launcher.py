"""Start a graph as plain processes, for machines without a ROS installation.

Every node is one process in a separate process group. When a required node ends, the graph
ends with that node's exit code; when the terminal sends Ctrl-C or this process gets SIGTERM,
every node gets SIGINT, then SIGTERM, then SIGKILL, after fixed times. If this process itself is
killed, the kernel ends the nodes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

from gpc_ros.common.errors import REFUSED, ConfigError
from gpc_ros.common.graph_identity import VARIABLE, new_graph_id
from gpc_ros.graph.resolve import NodeStart
from gpc_ros.settings.parameter_files import yaml_value

# Time that a node has to end after each signal [s].
INTERRUPT_GRACE = 8.0
TERMINATE_GRACE = 4.0
_PR_SET_PDEATHSIG = 1

# Set for the nodes when their output goes to a terminal: the next line then overwrites a status
# line, which ends with a carriage return.
STATUS_LINE = "GPC_STATUS_LINE"
CLEAR_LINE = "\x1b[2K"


def command(start: NodeStart) -> list[str]:
    """Return the command line of one node."""
    words = [sys.executable, "-m", f"gpc_ros.nodes.{start.executable}", "--ros-args"]
    words += ["-r", f"__node:={start.name}", "-r", f"__ns:={start.namespace}"]
    words += ["--params-file", str(start.parameter_file)]
    for name, value in start.parameters.items():
        words += ["-p", f"{name}:={yaml_value(value)}"]
    for source, target in start.remappings:
        words += ["-r", f"{source}:={target}"]
    return words


@dataclass
class Child:
    """A running node: its start, its process and the unfinished line of its output."""

    start: NodeStart
    process: subprocess.Popen[bytes]
    rest: bytes = b""


class Launcher:
    """Runs the processes of a graph until a required one ends or a signal arrives.

    Args:
        starts: the nodes, from :func:`gpc_ros.graph.resolve.resolve`.
        write: receives the output, one call per line or status update.
        command_of: turns a start into a command line; tests replace it.
        grace: times after SIGINT and after SIGTERM [s].
    """

    def __init__(
        self,
        starts: Sequence[NodeStart],
        write: Callable[[str], None] | None = None,
        command_of: Callable[[NodeStart], list[str]] = command,
        grace: tuple[float, float] = (INTERRUPT_GRACE, TERMINATE_GRACE),
    ) -> None:
        """Prepare the nodes; :meth:`run` starts them."""
        if not any(start.required for start in starts):
            raise ConfigError("graph: no node is required, so the graph would never end")
        self._starts = starts
        self._write = write or _write_stdout
        self._command_of = command_of
        self._grace = grace
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._signals = 0
        self._graph_id = new_graph_id()
        # On a terminal, the required node may rewrite its status line in place.
        self._terminal = {STATUS_LINE: "1"} if sys.stdout.isatty() else {}

    def run(self) -> int:
        """Start all nodes, wait for the end and return the exit code.

        Returns:
            The code of the node whose end ended the graph; 130 after Ctrl-C, 143 after SIGTERM.
        """
        previous = {s: signal.signal(s, self._on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
        self._stop_signal = 0
        code = 0
        try:
            for start in self._starts:
                self._spawn(start)
            code = self._watch()
        finally:
            self._shut_down()
            for number, handler in previous.items():
                signal.signal(number, handler)
        return 128 + self._stop_signal if self._stop_signal else code

    def _on_signal(self, number: int, _frame: object) -> None:
        self._signals += 1
        self._stop_signal = self._stop_signal or number

    def _spawn(self, start: NodeStart) -> None:
        """Start one node with its output in a pipe, ended by the kernel if this process dies."""
        process = subprocess.Popen(
            self._command_of(start),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                **start.environment,
                **self._terminal,
                VARIABLE: self._graph_id,
            },
            process_group=0,
            # This process has only one thread.
            preexec_fn=end_with_parent(os.getpid(), block_sigint=self._command_of is command),
        )
        child = Child(start, process)
        self._children.append(child)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, child)

    def _watch(self) -> int:
        """Forward output until a required node ends, any refuses to start, or a signal arrives."""
        while not self._signals:
            self._forward(0.1)
            for child in list(self._children):
                code = child.process.poll()
                if code is None:
                    continue
                self._drop(child)
                if child.start.required or code == REFUSED:
                    return _shell_code(code)
                self._write(f"[launcher] node {child.start.name} ended with {_describe(code)}\n")
        return 0

    def _forward(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            self._read(key.data, key.data.process.stdout)

    def _read(self, child: Child, stream: IO[bytes]) -> None:
        """Write the whole lines of a node's output; a carriage return ends a status update."""
        data = stream.read(65536)
        if data is None:
            return
        if not data:
            self._selector.unregister(stream)
            return
        text = child.rest + data
        cut = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
        child.rest = text[cut:]
        prefix = "" if child.start.console else f"[{child.start.name}] "
        clear = CLEAR_LINE if self._terminal else ""
        for line in text[:cut].decode(errors="replace").splitlines(keepends=True):
            self._write(clear + prefix + line)

    def _drop(self, child: Child) -> None:
        """Write the remaining output of a finished node and remove it."""
        stream = child.process.stdout
        assert stream is not None
        if stream in self._selector.get_map():
            self._read(child, stream)
        if stream in self._selector.get_map():
            self._selector.unregister(stream)
        if child.rest:
            self._write(child.rest.decode(errors="replace") + "\n")
            child.rest = b""
        stream.close()
        self._children.remove(child)

    def _shut_down(self) -> None:
        """End the remaining nodes: SIGINT, SIGTERM, SIGKILL; a second Ctrl-C shortens the waits."""
        steps = ((signal.SIGINT, self._grace[0]), (signal.SIGTERM, self._grace[1]))
        for number, grace in (*steps, (signal.SIGKILL, 5.0)):
            self._signal_all(number)
            before, deadline = self._signals, time.monotonic() + grace
            while self._children and time.monotonic() < deadline and self._signals == before:
                self._forward(0.05)
                for child in list(self._children):
                    if child.process.poll() is not None:
                        self._drop(child)
            if not self._children:
                break
            names = ", ".join(c.start.name for c in self._children)
            self._write(f"[launcher] still running after {number.name}: {names}\n")
        self._selector.close()

    def _signal_all(self, number: signal.Signals) -> None:
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, number)


def end_with_parent(parent: int, block_sigint: bool = False) -> Callable[[], None]:
    """Return a function that makes a child get SIGTERM when its parent dies.

    Args:
        parent: the parent's process id, to detect that it died before the child started.
        block_sigint: start with SIGINT blocked; a node unblocks it when Ctrl-C no longer gives a
            traceback.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        if block_sigint:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent died before the request was in place
            os._exit(1)

    return prepare


def _shell_code(code: int) -> int:
    return 128 - code if code < 0 else code


def _describe(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _write_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
