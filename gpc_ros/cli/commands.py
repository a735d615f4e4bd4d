"""The table of commands: names, groups, former names and a line of help for each.

Nothing heavy is imported here, so that ``gpc --help`` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpc_ros.common.errors import ConfigError, suggest


@dataclass(frozen=True)
class Command:
    """One command of ``gpc``.

    Attributes:
        name: one word, or a group and a word (``bag report``).
        module: module of ``gpc_ros.cli`` with ``configure(parser)`` and ``run(args)``.
        summary: line of the help.
        former: name in version 0.1, still accepted; empty if unchanged.
        ros: whether it uses ROS, so that the environment of ROS is checked first.
    """

    name: str
    module: str
    summary: str
    former: str = ""
    ros: bool = False

    @property
    def checked(self) -> bool:
        """Whether a bad environment refuses it; gpc doctor reports the faults instead."""
        return self.name != "doctor"


SECTIONS = {
    "": "run and look",
    "bag": "recorded runs",
    "proposal": "learned proposals",
    "walker": "learned walkers",
    "security": "access to the robot's graph",
}
COMMANDS = (
    Command("sim", "sim", "run the simulated robot live, all nodes", ros=True),
    Command("hardware", "hardware", "run a Go2, all nodes; read docs/hardware.md first", ros=True),
    Command("emulate-robot", "emulate_robot", "emulate a Go2 that speaks Unitree's SDK", ros=True),
    Command("calibrate-mocap", "calibrate_mocap", "find the base in its markers from a recording"),
    Command("estop", "estop", "be the emergency stop: Enter stops the robot", ros=True),
    Command("view", "view", "show the running graph, or a bag, in a browser", ros=True),
    Command("evaluate", "evaluate", "measure success and time over many seeds, in lockstep"),
    Command("tasks", "tasks", "list the tasks"),
    Command("urdf", "urdf", "print the URDF of the robot, for RViz"),
    Command("config", "config", "list the parameters of nodes, tasks and commands"),
    Command("doctor", "doctor", "check the installation and name the remedies"),
    Command("bag report", "report", "make a page and a video of a run", "report"),
    Command("bag replay", "replay", "repeat the planning of a run exactly, without ROS", "replay"),
    Command("bag play", "play", "play a run into the nodes, live", "play", ros=True),
    Command("bag view", "view", "show a run in a browser"),
    Command("bag export", "export", "write a bag as Parquet tables, one per topic", "export"),
    Command("bag repair", "repair", "copy the readable part of a damaged bag", "repair"),
    Command("proposal collect", "collect", "collect plans to train a proposal on", "collect"),
    Command("proposal train", "train", "train a proposal on collected plans", "train"),
    Command("proposal bootstrap", "bootstrap", "alternate collection and training", "bootstrap"),
    Command("proposal compare", "compare", "compare planning with and without it", "compare"),
    Command("walker train", "train_walker", "train a velocity-tracking walker", "train-walker"),
    Command("security init", "security", "make keys that the graph asks for, where ROS can"),
    Command("walker evaluate", "evaluate_walker", "measure walkers", "evaluate-walker"),
)  # fmt: skip
GROUPS = tuple(name for name in SECTIONS if name)

_USAGE = """\
usage: gpc COMMAND [name:=value ...] [--name VALUE ...] [--set group.name=value ...]

Predictive control of a quadruped by sampling: run, measure, look.
"""
_OPTIONS = """\
options:
  -h, --help               show this help; gpc COMMAND --help shows that of a command
  --version                show the version

examples:
  gpc sim                                        a simulated Go2 pushes a box to a pose
  gpc sim task:=navigate goal:=1.5,0.5,0 seed:=3
  gpc evaluate box_push --seeds 0:30 --num-rollouts 16 --horizon 2.0 --out result.json
  gpc bag report runs/20260101-120000_box_push
  gpc doctor                                     check the installation
"""


def overview(group: str | None = None) -> str:
    """Return the help of ``gpc``, or of one group of commands."""
    if group is None:
        parts = [_USAGE, *(_listing(name) for name in SECTIONS), _OPTIONS]
        return "\n".join(parts)
    return f"usage: gpc {group} COMMAND ...\n\n{_listing(group)}"


def find_command(words: list[str]) -> tuple[Command, list[str], str]:
    """Return the command that a command line begins with, its arguments and a note for stderr.

    Args:
        words: at least one word.

    Raises:
        ConfigError: the command is unknown; the nearest is named.
    """
    by_name = {command.name: command for command in COMMANDS}
    former = {command.former: command for command in COMMANDS if command.former}
    first, rest = words[0], words[1:]
    if first in by_name:
        return by_name[first], rest, ""
    if first in former:
        command = former[first]
        return command, rest, f"gpc: 'gpc {first}' is now 'gpc {command.name}'"
    if first in GROUPS:
        known = [name.split()[1] for name in by_name if name.startswith(f"{first} ")]
        if not rest:
            raise ConfigError(f"gpc {first}: name one of its commands: {', '.join(known)}")
        if rest[0] not in known:
            raise ConfigError(
                f"gpc {first}: unknown command '{rest[0]}'; {suggest(rest[0], known)}"
            )
        return by_name[f"{first} {rest[0]}"], rest[1:], ""
    hint = suggest(first, [*(name for name in by_name if " " not in name), *GROUPS, *former])
    if first.startswith("-"):
        raise ConfigError(f"unknown option '{first}'; name a command first, see gpc --help")
    raise ConfigError(f"unknown command '{first}'; {_renamed(hint, former)}")


def _renamed(hint: str, former: dict[str, Command]) -> str:
    """Return a hint with former names replaced by the present ones."""
    for name, command in former.items():
        hint = hint.replace(f"'{name}'", f"'{command.name}'")
    return hint


def _listing(group: str) -> str:
    rows = [
        (command.name, command.summary)
        for command in COMMANDS
        if command.name.rpartition(" ")[0] == group
    ]
    lines = [f"{SECTIONS[group]}:", *(f"  {name:<24} {summary}" for name, summary in rows)]
    return "\n".join(lines) + "\n"
