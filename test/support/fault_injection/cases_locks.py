"""Ceilings, a stopped bridge and single samples: rows 32, 34 and 35."""

from __future__ import annotations

import json
import shutil

from fault_injection.cases import (
    ACTIVE,
    FAULT,
    NO_DELAY,
    case,
    check,
    damped,
    exit_code,
)
from fault_injection.live_graph import LiveGraph
from gpc_msgs.msg import SupervisorState
from gpc_ros.common.errors import REFUSED
from gpc_ros.locomotion.registry import shipped_walkers

# Entries of a walker's card that are beyond a ceiling, and words of the error.
_CARDS = (
    ({"kp": 1e300}, "kp is 1e+300"),
    ({"rate": 0}, "rate is 0"),
    ({"command_high": [50.0, 50.0, 50.0]}, "command_high[0] is 50.0"),
    ({"action_scale": [float("nan")] * 12}, "action_scale of FL_hip_joint is nan"),
)


@case(32, "bridge refuses to start, names entry and ceiling", walking=False)
def walker_beyond_ceilings(g: LiveGraph) -> float:
    """Walker's card that asks for gains, rates or speeds beyond the ceilings."""
    shipped = shipped_walkers()["learned"]
    folder = g.folder / "walkers"
    shutil.copytree(shipped.parent, folder, dirs_exist_ok=True)
    document = json.loads(shipped.read_text(encoding="utf-8"))
    g.kill("bridge")
    for changes, words in _CARDS:
        spoilt = {**document, "description": {**document["description"], **changes}}
        card = folder / "spoilt.json"
        card.write_text(json.dumps(spoilt), encoding="utf-8")
        process = g.start("bridge", walker=str(card))
        check(exit_code(g, process) == REFUSED, "the bridge did not refuse to start")
        last = g.output("bridge").strip().splitlines()[-1]
        check(words in last, f"the refusal does not name '{words}': {last}")
    return NO_DELAY


@case(34, "begins by damping, latched", 0.05, "its continuation to first braking command sent")
def bridge_stopped(g: LiveGraph) -> float:
    """Bridge stopped (SIGSTOP) for 0.2 s, longer than the robot's watchdog."""
    pause = 0.2
    patient = g.parameter("bridge", "supervisor.max_loop_pause")
    pause = max(pause, 1.5 * patient)
    g.pause("bridge")
    g.observer.pass_time(pause)
    begin = g.observer.now()
    g.pause("bridge", False)
    brake = damped(g, begin)
    g.supervisor(FAULT, "the control loop stood still", begin)
    stiff = [h for h in g.observer.kept("joint_commands", begin) if any(h.message.kp)]
    check(not stiff, f"{len(stiff)} stiff commands came after the pause")
    return brake.sent - begin


@case(35, "continues")
def battery_glitch(g: LiveGraph) -> float:
    """Charge of 0 reported for half a second."""
    begin = g.observer.now()
    g.fault(used=1.0)
    g.observer.wait("robot_reading", lambda m: m.battery == 0.0, begin)
    g.observer.pass_time(0.5)
    g.fault(used=0.0)
    g.observer.pass_time(2.5)
    states = {h.message.state for h in g.observer.kept("supervisor", begin)}
    check(SupervisorState.SITTING_DOWN not in states, "it sat down for a glitch of the battery")
    g.supervisor(ACTIVE)
    return NO_DELAY
