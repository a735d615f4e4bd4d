"""Names of parameters on the command line: what a command accepts, and which one a name means.

``--planner.num-rollouts 8``, ``planner.num_rollouts:=8`` and ``--set planner.num_rollouts=8`` are
the same. A name may be shortened to any ending that only one parameter has (``num_rollouts``).
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gpc_ros.common import config
from gpc_ros.common.config import Parameter
from gpc_ros.common.errors import ConfigError, suggest

# Group of a command's own options; their names have no prefix.
OWN = ""


@dataclass(frozen=True)
class Group:
    """Parameters that a command accepts, under one prefix.

    Attributes:
        name: prefix of the names, without the dot.
        doc: heading of the help.
        load: returns the configurations whose parameters these are; called when needed only.
        listed: whether ``--help`` lists each parameter; else it names ``gpc config``.
    """

    name: str
    doc: str
    load: Callable[[], Sequence[Any]]
    listed: bool = True


@dataclass(frozen=True)
class Match:
    """A parameter found by its name.

    Attributes:
        target: the parameter.
        warning: sentence about a former name; empty for a present one.
        opposite: whether the name is a former switch of the opposite meaning.
    """

    target: Target
    warning: str = ""
    opposite: bool = False


@dataclass(frozen=True)
class Target:
    """A parameter that a name on the command line stands for."""

    group: str
    parameter: Parameter

    @property
    def full_name(self) -> str:
        """The name with its group."""
        return f"{self.group}.{self.parameter.name}" if self.group else self.parameter.name

    @property
    def is_flag(self) -> bool:
        """Whether it is true or false, so that its option needs no value."""
        return self.parameter.type is bool

    @property
    def is_list(self) -> bool:
        """Whether it takes several values, so that a repeated option adds to them."""
        return typing.get_origin(self.parameter.type) is tuple


class ParameterNames:
    """The parameters that a command accepts.

    Args:
        groups: in order of the help.
        main: group whose prefix may be left out even where another group has the same ending.
        aliases: short name to full name.
        former: former name to present name, for names that no dataclass declares.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        main: str = OWN,
        aliases: dict[str, str] | None = None,
        former: dict[str, str] | None = None,
    ) -> None:
        """Load every group and index its names."""
        self._main, self._aliases = main, aliases or {}
        self.targets: dict[str, Target] = {}
        self._former: dict[str, str] = dict(former or {})
        # Last part of the former names of opposite meaning, by full present name.
        self._inverted: dict[str, set[str]] = {}
        for group in groups:
            prefix = f"{group.name}." if group.name else ""
            for instance in group.load():
                for parameter in config.parameters(instance):
                    target = Target(group.name, parameter)
                    self.targets.setdefault(target.full_name, target)
                inverted = config.former_names(instance, attribute="FORMER_INVERTED")
                for old, new in {**config.former_names(instance), **inverted}.items():
                    self._former[prefix + old] = prefix + new
                for old, new in inverted.items():
                    self._inverted.setdefault(prefix + new, set()).add(old.rpartition(".")[2])

    def find(self, name: str) -> Match:
        """Return the parameter that a name stands for.

        Raises:
            ConfigError: no parameter has this name, or several have this ending.
        """
        name = self._aliases.get(name, name)
        own = self._former.get(name, "")
        if own in self.targets and self.targets[own].group == OWN and name not in self.targets:
            return self._renamed(name, own)
        found = self._matches(name, list(self.targets))
        if len(found) == 1:
            return Match(self.targets[found[0]])
        if not found:
            current = self._matches_former(name)
            if current:
                return self._renamed(name, current)
            raise ConfigError(f"unknown parameter '{name}'; {self._hint(name)}")
        raise ConfigError(f"'{name}' is ambiguous: write one of {', '.join(found[:6])}")

    def _renamed(self, name: str, current: str) -> Match:
        target = self.targets[current]
        short = self.short_name(target)
        if name.rpartition(".")[2] in self._inverted.get(current, ()):
            return Match(target, f"'{name}' is now the opposite of '{short}'", True)
        return Match(target, f"'{name}' is now called '{short}'")

    def short_name(self, target: Target) -> str:
        """Return the shortest ending of a parameter's name that means only this parameter."""
        for alias, full in self._aliases.items():
            if full == target.full_name:
                return alias
        parts = target.full_name.split(".")
        for count in range(1, len(parts)):
            ending = ".".join(parts[-count:])
            if self._matches(ending, list(self.targets)) == [target.full_name]:
                return ending
        return target.full_name

    def _hint(self, name: str) -> str:
        """Return the nearest name: of the own options and the main group first, then of all."""
        first = (OWN, self._main)
        short = [self.short_name(t) for t in self.targets.values() if t.group in first]
        former = {old.rpartition(".")[2]: new for old, new in self._former.items()}
        tiers = [short + list(self._aliases) + list(former), list(self.targets)]
        if "." in name:
            tiers.reverse()
        for tier in tiers:
            if tier and (hint := suggest(name, tier)).startswith("did you mean"):
                for old, new in former.items():
                    if f"'{old}'" in hint and new in self.targets:
                        return f"did you mean '{self.short_name(self.targets[new])}'?"
                return hint
        return "gpc config lists the parameters"

    def _matches(self, name: str, known: list[str]) -> list[str]:
        """Return the full names that a name may stand for: an exact one alone, else all endings."""
        if name in known:
            return [name]
        if self._main and f"{self._main}.{name}" in known:
            return [f"{self._main}.{name}"]
        return [full for full in known if full.endswith(f".{name}")]

    def _matches_former(self, name: str) -> str:
        """Return the full present name of a parameter or group given by a former name."""
        groups = [full for full in self._former if self._former[full] not in self.targets]
        for old in groups:  # a renamed group: replace the beginning, then look again
            for beginning in (old, old.rpartition(".")[2]):
                if name.startswith(f"{beginning}."):
                    renamed = self._former[old] + name[len(beginning) :]
                    found = self._matches(renamed, list(self.targets))
                    if len(found) == 1:
                        return found[0]
        found = self._matches(name, [old for old in self._former if old not in groups])
        present = {self._former[old] for old in found}
        return present.pop() if len(present) == 1 else ""


def options_help(names: ParameterNames, groups: Sequence[Group]) -> str:
    """Return the options of a command with type, default, unit and range of each."""
    parts = []
    for group in groups:
        if not group.listed:
            if group.doc:
                parts.append(f"{group.doc}\n")
            continue
        rows = []
        for target in names.targets.values():
            if target.group == group.name:
                negatable = target.is_flag and target.parameter.default
                flag = "--[no-]" if negatable else "--"
                flag += names.short_name(target).replace("_", "-")
                value = "" if target.is_flag else f" {_placeholder(target.parameter)}"
                rows.append((flag + value, describe_option(target.parameter)))
        parts.append(table(f"{group.doc}:", rows))
    return "\n".join(parts)


def describe_option(p: Parameter) -> str:
    """Return meaning, unit, range and default of a parameter in one line."""
    from gpc_ros.settings.parameter_files import range_text, yaml_value

    default = "" if p.default in ("", ()) else f"default {yaml_value(p.default)}"
    details = [d for d in (p.unit, range_text(p), default) if d]
    return p.doc + (f" [{'; '.join(details)}]" if details else "")


def table(title: str, rows: Sequence[tuple[str, str]], width: int = 34) -> str:
    """Return a title and two columns; a long first column gets a separate line."""
    lines = [title]
    for left, right in rows:
        if len(left) + 4 > width:
            lines += [f"  {left}", " " * width + right]
        else:
            lines.append(f"  {left:<{width - 2}}{right}")
    return "\n".join(lines) + "\n"


def _placeholder(p: Parameter) -> str:
    kind = p.type
    if typing.get_origin(kind) is tuple:
        return "A,B,..."
    return {float: "NUMBER", int: "N", str: "TEXT"}.get(kind, "VALUE")


def merged(own: Any, groups: Sequence[Group]) -> Any:
    """Return one configuration with a command's own options and its groups as nested fields."""
    fields: list[tuple[str, Any, Any]] = []
    hints = typing.get_type_hints(type(own)) if own is not None else {}
    for field in dataclasses.fields(own) if own is not None else ():
        copy = dataclasses.field(default=getattr(own, field.name), metadata=field.metadata)
        fields.append((field.name, hints[field.name], copy))
    for group in groups:
        instances = group.load()
        if group.name and group.listed and len(instances) == 1:
            fields.append((group.name, type(instances[0]), dataclasses.field(default=instances[0])))
    return dataclasses.make_dataclass("Options", fields, frozen=True)()
