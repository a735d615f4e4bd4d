"""Nodes that are killed, and a full disk: rows 3, 4 and 23."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from fault_injection.cases import case, check, holds, latched
from fault_injection.live_graph import LiveGraph
from gpc_msgs.msg import SupervisorState
from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.ros.convert import msgs

# Large enough for a readable bag of a few seconds [bytes].
_SMALL_DISK = 3_000_000
_PAUSE = "longest pause between two joint commands in the second after it"


@case(
    3, "planner stops, robot stands", 0.15,
    "stamp of the last state to first walker step with a command of zero",
)  # fmt: skip
def estimator_killed(g: LiveGraph) -> float:
    """Estimator killed."""
    killed = g.kill("estimator")
    still = holds(g, killed, "estimate of where the robot is")
    return still.sent - msgs.seconds(g.observer.kept("scene_state")[-1].message.header.stamp)


@case(4, "damping, latched", 0.05, "last reading to first braking command")
def sim_killed(g: LiveGraph) -> float:
    """Robot (its simulation) killed."""
    killed = g.kill(g.robot)
    brake = latched(g, killed, "no reading from the robot")
    return brake.sent - g.observer.kept("robot_reading")[-1].sent


@case(
    23, "control unaffected, the bag is readable", 1.0,
    "last message in the bag to the kill",
)  # fmt: skip
def recorder_killed(g: LiveGraph) -> float:
    """Recorder killed."""
    folder = _record(g)
    killed = g.kill("recorder")
    _goes_on(g, killed)
    return killed - _end_of(folder)


@case(23, "control unaffected, the bag is readable", 0.05, _PAUSE)
def disk_full(g: LiveGraph) -> float:
    """Disk full."""
    folder = _record(g, largest_file=_SMALL_DISK)
    begin = g.observer.now()
    g.said("recorder", "File too large")
    pause = _goes_on(g, begin)
    _end_of(folder)
    g.kill("recorder")
    return pause


@case(23, "control unaffected", 0.05, _PAUSE)
def monitor_killed(g: LiveGraph) -> float:
    """Monitor killed."""
    begin = g.observer.now()
    g.start("monitor", record=False, report=False, duration=600.0)
    g.observer.wait(
        "diagnostics",
        lambda m: m.status[0].name == "monitor" and m.status[0].message == "watch",
        begin,
    )
    return _goes_on(g, g.kill("monitor"))


def _record(g: LiveGraph, **options: int) -> Path:
    """Record for a second and return the folder of the run."""
    folder = Path(tempfile.mkdtemp(dir=g.folder))
    begin = g.observer.now()
    g.start("recorder", folder=str(folder), **options)
    g.observer.wait(
        "diagnostics",
        lambda m: m.status[0].name == "recorder" and _messages(m) > 100,
        begin,
    )
    return folder


def _messages(message: object) -> int:
    figures = {v.key: v.value for v in message.status[0].values}  # type: ignore[attr-defined]
    return int(figures.get("messages", 0))


def _end_of(folder: Path) -> float:
    """Return the time of the last readable message of a bag, complete or not [s]."""
    times = [time for _, time, _ in BagReader(folder / "bag").raw()]
    check(len(times) > 100, f"only {len(times)} messages can be read")
    return max(times) * 1e-9


def _goes_on(g: LiveGraph, since: float) -> float:
    """Check that the robot is commanded for a second after a time [s]; return the longest pause."""
    g.observer.wait("joint_commands", since=since + 1.0)
    commands = g.observer.kept("joint_commands", since - 0.1)
    # A command that the observer missed is not a pause of the bridge.
    pauses = [
        b.sent - a.sent
        for a, b in itertools.pairwise(commands)
        if b.message.sequence == a.message.sequence + 1
    ]
    latest = g.observer.last("supervisor").message
    goes_on = (SupervisorState.ACTIVE, SupervisorState.HOLDING, SupervisorState.READY)
    check(latest.state in goes_on, f"the robot is {latest.name}: {latest.reasons}")
    return max(pauses)
