"""The launcher: output, exit codes, orderly shutdown and no orphaned processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from waiting import until

from gpc_ros.common.errors import ConfigError
from gpc_ros.graph.launcher import Launcher
from gpc_ros.graph.resolve import NodeStart

OBEDIENT = "import time\ntry:\n  time.sleep(60)\nexcept KeyboardInterrupt:\n  print('bye')"
STUBBORN = (
    "import signal, time\n"
    "for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\n"
    "print('ready', flush=True)\ntime.sleep(60)"
)


def start(name: str, code: str, required: bool = False) -> NodeStart:
    """A node whose executable is the code to run."""
    return NodeStart(code, name, "/", Path("none.yaml"), {}, (), required, required, {})


def launcher(
    starts: list[NodeStart], lines: list[str], grace: tuple[float, float] = (5.0, 5.0)
) -> Launcher:
    return Launcher(starts, lines.append, lambda s: [sys.executable, "-c", s.executable], grace)


@pytest.mark.parametrize("code", [0, 1, 7])
def test_the_required_node_gives_the_exit_code(code: int) -> None:
    lines: list[str] = []
    nodes = [start("a", OBEDIENT), start("b", f"raise SystemExit({code})", required=True)]
    assert launcher(nodes, lines).run() == code


def test_lines_have_their_node_name_except_of_the_console_node() -> None:
    lines: list[str] = []
    nodes = [
        start("talk", "import time; print('hello', flush=True); time.sleep(60)"),
        start("main", "import time; time.sleep(0.5); print('status'); print('rest', end='')", True),
    ]
    launcher(nodes, lines).run()
    assert "[talk] hello\n" in lines
    assert "status\n" in lines
    assert "rest\n" in lines


def test_end_of_another_node_is_reported_and_the_graph_continues() -> None:
    lines: list[str] = []
    nodes = [
        start("gone", "raise SystemExit(3)"),
        start("main", "import time; time.sleep(1.0)", required=True),
    ]
    assert launcher(nodes, lines).run() == 0
    assert any("gone ended with exit code 3" in line for line in lines)


def test_nodes_get_sigint_before_stronger_signals() -> None:
    lines: list[str] = []
    nodes = [start("kind", OBEDIENT), start("main", "import time; time.sleep(0.5)", True)]
    launcher(nodes, lines).run()
    assert "[kind] bye\n" in lines


def test_node_that_ignores_signals_is_killed() -> None:
    lines: list[str] = []
    nodes = [start("stubborn", STUBBORN), start("main", "import time; time.sleep(0.5)", True)]
    run = launcher(nodes, lines, grace=(0.2, 0.2))
    assert run.run() == 0
    assert any("still running after SIGTERM: stubborn" in line for line in lines)


def test_a_required_node_that_is_killed_counts_as_a_failure() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert launcher([start("main", code, True)], []).run() == 128 + signal.SIGKILL


def test_a_graph_without_an_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="never end"):
        launcher([start("a", OBEDIENT)], [])


SCRIPT = """
import sys
from pathlib import Path
from gpc_ros.graph.resolve import NodeStart
from gpc_ros.graph.launcher import Launcher
code = {code!r}
starts = [NodeStart(code, "main", "/", Path("x"), {{}}, (), True, True, {{}})]
sys.exit(Launcher(starts, command_of=lambda s: [sys.executable, "-c", s.executable]).run())
"""
CHILD = (
    "import os, time\n"
    "try:\n  print('pid', os.getpid(), flush=True)\n  time.sleep(60)\n"
    "except KeyboardInterrupt:\n  print('interrupted', flush=True)"
)


def started_launcher() -> tuple[subprocess.Popen[str], int]:
    """Start a launcher in a separate process; return it and the pid of its node."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT).format(code=CHILD)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    word, pid = process.stdout.readline().split()
    assert word == "pid"
    return process, int(pid)


def alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_node_that_refuses_to_start_ends_the_graph() -> None:
    nodes = [start("refuses", "raise SystemExit(2)"), start("main", OBEDIENT, required=True)]
    assert launcher(nodes, []).run() == 2


@pytest.mark.integration
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_launcher_and_nodes(number: signal.Signals, code: int) -> None:
    process, pid = started_launcher()
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == code
    assert "interrupted" in output
    assert "Traceback" not in output
    assert not alive(pid)


@pytest.mark.integration
def test_no_orphans_when_the_launcher_is_killed() -> None:
    process, pid = started_launcher()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    until(lambda: not alive(pid), "the node ends")
