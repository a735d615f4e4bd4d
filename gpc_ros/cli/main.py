"""The command ``gpc``: one module of this folder per subcommand."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from gpc_ros import __version__
from gpc_ros.common.errors import GpcError

# Each module has add_parser(subparsers), which sets run(args) -> exit code.
COMMANDS = (
    "sim", "hardware", "emulate-robot", "calibrate-mocap", "estop", "view", "evaluate", "collect",
    "train", "bootstrap", "compare", "train-walker", "evaluate-walker", "report", "replay", "play",
    "export", "repair", "tasks", "config", "doctor",
)  # fmt: skip

_EPILOG = """\
examples:
  gpc sim                                        a simulated Go2 pushes a box to a pose
  gpc sim task:=navigate goal:=1.5,0.5,0 seed:=3
  gpc evaluate box_push --seeds 0:30 --samples 16 --horizon 2.0 --out result.json
  gpc doctor                                     what is missing on this machine
"""


class CommandParser(argparse.ArgumentParser):
    """A parser of one subcommand.

    Attributes:
        more_help: makes the end of the help text, only when somebody asks for it.
    """

    more_help: Callable[[], str] | None = None

    def format_help(self) -> str:
        """Return the help text."""
        if self.more_help is not None:
            self.epilog = self.more_help()
        return super().format_help()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    parser = argparse.ArgumentParser(
        prog="gpc",
        description="Predictive control of a quadruped by sampling: run, measure, look.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"gpc_ros {__version__}")
    subparsers = parser.add_subparsers(metavar="command", required=True, parser_class=CommandParser)
    for name in COMMANDS:
        importlib.import_module(f"gpc_ros.cli.{name.replace('-', '_')}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``gpc``; an error that the user can mend is one line on stderr and exit code 2."""
    args = build_parser().parse_args(argv)
    try:
        code: int = args.run(args)
    except GpcError as error:
        print(f"gpc: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as head, has gone
        sys.stderr.close()
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
