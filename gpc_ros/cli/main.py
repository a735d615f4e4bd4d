"""The command ``gpc``: finds the command, parses its arguments and runs it.

One module of this folder per command, with ``configure(parser)`` and ``run(args)``; it is imported
only when the command is named.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from gpc_ros import __version__
from gpc_ros.cli.commands import GROUPS, Command, find_command, overview
from gpc_ros.common.errors import REFUSED, GpcError
from gpc_ros.common.process_environment import check_environment, make_output_robust

if TYPE_CHECKING:
    from gpc_ros.cli.parser import CommandParser

_HELP = ("-h", "--help", "help")


def make_parser(command: Command) -> tuple[CommandParser, ModuleType]:
    """Return the parser of a command and the module that runs it."""
    from gpc_ros.cli.parser import CommandParser

    module = importlib.import_module(f"gpc_ros.cli.{command.module}")
    parser = CommandParser(f"gpc {command.name}")
    module.configure(parser)
    return parser, module


def parse(words: Sequence[str]) -> tuple[ModuleType, argparse.Namespace]:
    """Return the module of the command that a command line names, and its arguments.

    Raises:
        GpcError: an unknown command, an unusable environment or a mistake in the arguments.
        SystemExit: help was asked for.
    """
    command, rest, note = find_command(list(words))
    if note:
        print(note, file=sys.stderr)
    if command.checked:
        check_environment(command.ros)
    parser, module = make_parser(command)
    return module, parser.parse_words(rest)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``gpc``; an error that the user can mend is one line on stderr and exit code 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    make_output_robust()
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _run(words)
    except GpcError as error:
        print(f"gpc: error: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as head, has closed the pipe
        sys.stderr.close()
        return 0
    except Exception as error:
        from gpc_ros.common.files import mendable

        if isinstance(error, OSError) and (sentence := mendable(error)):
            print(f"gpc: error: {sentence}", file=sys.stderr)
            return REFUSED
        from gpc_ros.common.crash import CRASHED, crash_sentence

        print(f"gpc: error: {crash_sentence(' '.join(['gpc', *words]), error)}", file=sys.stderr)
        return CRASHED


def _run(words: list[str]) -> int:
    if not words or words[0] in _HELP:
        print(overview(), end="")
        return 0 if words else REFUSED
    if words[0] == "--version":
        print(f"gpc_ros {__version__}")
        return 0
    if words[0] in GROUPS and words[1:2] and words[1] in _HELP:
        print(overview(words[0]), end="")
        return 0
    if words == ["doctor"]:  # without the parser, which needs NumPy: that may be the broken part
        found: int = importlib.import_module("gpc_ros.cli.doctor").run(argparse.Namespace())
        return found
    module, args = parse(words)
    code: int = module.run(args)
    return code


if __name__ == "__main__":
    sys.exit(main())
