"""Parser of one command: words, flags made from dataclasses, ``name:=value`` and ``--set``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from gpc_ros.cli.names import OWN, Group, Match, ParameterNames, Target, options_help
from gpc_ros.common import config
from gpc_ros.common.assignments import parse_assignments
from gpc_ros.common.errors import ConfigError

_ASSIGNMENT = re.compile(r"^([A-Za-z_][\w.-]*):=(.*)$", re.DOTALL)
_OPPOSITE = {"true": "false", "false": "true"}


class CommandParser(argparse.ArgumentParser):
    """Parses positional words with argparse and everything else as parameters.

    The namespace that :meth:`parse_words` returns has, besides the positional words:
    ``options``, the command's own options as its dataclass; ``given``, the parameters of every
    other group as ``{group: {name: text}}``; ``sets``, the same as ``name=value`` for a card.

    Attributes:
        main: group whose prefix may be left out.
        aliases: short names of parameters.
        former: former names that no dataclass declares.
        title: name of the command for errors.
        raw_set: keep the texts of ``--set`` as they are, in ``args.raw_sets``.
        check_options: validate the own options; launch arguments are validated by their graph.
        list_options: list the options in the help.
        more_help: returns the end of the help text.
    """

    def __init__(self, prog: str, **kwargs: Any) -> None:
        """Make a parser for ``prog`` (``gpc bag report``)."""
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(prog=prog, allow_abbrev=False, **kwargs)
        self._optionals.title = "help"
        self.title = prog.removeprefix("gpc ")
        self.main = OWN
        self.aliases: dict[str, str] = {}
        self.former: dict[str, str] = {}
        self.raw_set = False
        self.check_options = True
        self.list_options = True
        self.more_help: Callable[[], str] | None = None
        self.groups: list[Group] = []
        self.own: Any = None
        self._names: ParameterNames | None = None

    def add_options(self, options: Any) -> None:
        """Add the command's own options: an instance of a dataclass of parameters."""
        self.own = options
        self.groups.insert(0, Group(OWN, "options", lambda: [options]))

    def add_group(
        self, name: str, doc: str, load: Callable[[], Sequence[Any]], listed: bool = True
    ) -> None:
        """Add parameters under a prefix; ``load`` may import heavy modules."""
        self.groups.append(Group(name, doc, load, listed))

    @property
    def switches(self) -> set[str]:
        """The options that argparse reads itself, such as --help."""
        return set(self._option_string_actions)

    @property
    def names(self) -> ParameterNames:
        """The parameters that the command accepts; loaded on first use."""
        if self._names is None:
            self._names = ParameterNames(self.groups, self.main, self.aliases, self.former)
        return self._names

    def parse_words(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse the words after the command.

        Raises:
            ConfigError: an unknown name (the nearest is named), a missing word or a bad value.
        """
        reading = _Reading(self)
        rest = reading.read(list(words))
        args = self.parse_args(rest)
        args.given = {group.name: {} for group in self.groups if group.name}
        own: dict[str, str] = {}
        args.sets = []
        for target, value in reading.values.values():
            if target.group == OWN:
                own[target.parameter.name] = value
            else:
                args.given[target.group][target.parameter.name] = value
                args.sets.append(f"{self.names.short_name(target)}={value}")
        args.raw_sets = reading.raw_sets
        args.own, args.where = own, self.title
        args.options = self.own
        if self.own is not None and self.check_options:
            args.options = config.replace(self.own, own, self.title)
        return args

    def error(self, message: str) -> NoReturn:
        """Report a mistake in the positional words as one line."""
        words = message.removeprefix("unrecognized arguments: ")
        if words != message:
            first = words.split()[0]
            name, equals, value = first.partition("=")
            if equals:
                raise ConfigError(
                    f"{self.title}: '{first}': write it as name:=value, that is {name}:={value}"
                )
            message = f"unexpected word '{first}'"
        raise ConfigError(f"{self.title}: {message}; see {self.prog} --help")

    def format_help(self) -> str:
        """Return usage, positional words, every option with its default, and the examples."""
        text = super().format_help()
        if self.groups and self.list_options:
            text += "\n" + options_help(self.names, self.groups)
        if self.more_help is not None:
            text += "\n" + self.more_help().strip("\n") + "\n"
        return text


class _Reading:
    """One pass over the words of a command line."""

    def __init__(self, parser: CommandParser) -> None:
        self._parser = parser
        # By full name, so that the last one of two counts.
        self.values: dict[str, tuple[Target, str]] = {}
        self.raw_sets: list[str] = []
        self._set: set[str] = set()

    def read(self, words: list[str]) -> list[str]:
        """Take the parameters in and return the remaining words for argparse."""
        rest: list[str] = []
        words = list(reversed(words))
        while words:
            word = words.pop()
            assignment = _ASSIGNMENT.match(word)
            if word == "--":
                return [*rest, word, *reversed(words)]
            if assignment and self._parser.groups:
                self._put(assignment[1], assignment[2], f"{assignment[1]}:=")
            elif word == "--set" or word.startswith("--set="):
                self._read_set(word, words)
            elif word.startswith("--") and word not in self._parser.switches:
                self._read_flag(word, words)
            else:
                rest.append(word)
        return rest

    def _read_set(self, word: str, words: list[str]) -> None:
        """Take in ``--set a=1,b=2``."""
        _, equals, text = word.partition("=")
        if not equals:
            text = self._value("--set", words, "write --set group.name=value")
        if self._parser.raw_set:
            self.raw_sets.append(text)
            return
        for name, value in parse_assignments(text, "--set").items():
            if name in self._set:
                raise ConfigError(f"--set: '{name}' is given twice")
            self._set.add(name)
            self._put(name.removesuffix(":"), value, f"--set {name}")

    def _read_flag(self, word: str, words: list[str]) -> None:
        """Take in ``--name value``, ``--name=value``, ``--flag`` or ``--no-flag``."""
        spelled, equals, value = word.partition("=")
        name = spelled[2:].replace("-", "_")
        negated = name.startswith("no_") and self._is_flag(name[3:])
        match = self._find(name[3:] if negated else name, spelled)
        target = match.target
        if negated:
            if equals:
                raise ConfigError(f"{self._parser.title}: {spelled} takes no value")
            value = "false"
        elif not equals and target.is_flag:
            value = words.pop() if words and words[-1] in _OPPOSITE else "true"
        elif not equals:
            value = self._value(spelled, words, target.parameter.doc)
        if target.is_list and target.full_name in self.values:
            value = f"{self.values[target.full_name][1]},{value}"
        self._store(match, value)

    def _value(self, option: str, words: list[str], doc: str) -> str:
        if not words or words[-1].startswith("--"):
            raise ConfigError(f"{self._parser.title}: {option} needs a value ({doc})")
        return words.pop()

    def _is_flag(self, name: str) -> bool:
        try:
            return self._parser.names.find(name).target.is_flag
        except ConfigError:
            return False

    def _put(self, name: str, value: str, spelled: str) -> None:
        self._store(self._find(name.replace("-", "_"), spelled), value)

    def _store(self, match: Match, value: str) -> None:
        if match.opposite:
            value = _OPPOSITE.get(value.lower(), value)
        self.values[match.target.full_name] = match.target, value

    def _find(self, name: str, spelled: str) -> Match:
        """Return the parameter of a name; warn about a former one.

        Raises:
            ConfigError: unknown or ambiguous.
        """
        title = self._parser.title
        try:
            match = self._parser.names.find(name)
        except ConfigError as error:
            text = str(error)
            if spelled.startswith("--") and not spelled.startswith("--set"):
                text = _as_option(text)
            elif not self._parser.check_options and "." not in name:
                text = text.replace("unknown parameter", "unknown argument")
            raise ConfigError(f"{title}: {text}") from None
        if match.warning:
            print(f"gpc {title}: {match.warning}", file=sys.stderr)
        return match


def _as_option(text: str) -> str:
    """Return an error about a parameter with its names spelled as options."""
    return re.sub(
        r"(unknown) parameter '([\w.]+)'|(did you mean) '([\w.]+)'",
        lambda m: f"{m[1] + ' option' if m[1] else m[3]} '--{(m[2] or m[4]).replace('_', '-')}'",
        text,
    )
