"""Typed parameters: one dataclass per component names, types, bounds and documents them.

YAML files, ROS parameters, the command line and docs/parameters.md follow from it.

A parameter is a dataclass field made by :func:`param`. Groups nest as dataclass fields; their
names join with dots (``object.mass``). A renamed parameter keeps its former name for one version:
the class lists it in ``FORMER_NAMES = {"old": "new"}`` (relative to the class, groups too), and
:func:`replace` accepts it with a warning that names the new one. ``FORMER_INVERTED`` lists switches
whose new name means the opposite; :func:`replace` inverts their values.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gpc_ros.common.errors import ConfigError, suggest

T = TypeVar("T")
_LOG = logging.getLogger("gpc_ros")


def param(
    default: Any,
    doc: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    live: bool = False,
) -> Any:
    """Declare a parameter: its default, meaning, unit, inclusive range and accepted values.

    Args:
        default: the default value; its field's annotation gives the type.
        doc: one sentence about its effect.
        unit: SI unit, empty for a pure number.
        low: smallest accepted value (for a tuple: of each entry).
        high: largest accepted value.
        choices: the accepted strings.
        live: whether it may change while the component runs.
    """
    meta = {
        "doc": doc, "unit": unit, "low": low, "high": high, "choices": choices, "live": live,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=meta)


@dataclass(frozen=True)
class Parameter:
    """One leaf of a configuration: dotted name, type, default, meaning and bounds."""

    name: str
    type: Any
    default: Any
    doc: str
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...] | None
    live: bool


def parameters(config: Any, prefix: str = "") -> Iterator[Parameter]:
    """Yield every parameter of a configuration (class or instance), depth first.

    For an instance, ``default`` is the instance's value.
    """
    instance = config if not isinstance(config, type) else config()
    hints = typing.get_type_hints(type(instance))
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        name = prefix + field.name
        if dataclasses.is_dataclass(value):
            yield from parameters(value, name + ".")
        else:
            yield Parameter(name, hints[field.name], value, **field.metadata)


def flatten(config: Any) -> dict[str, Any]:
    """Return a configuration as ``{dotted name: value}``."""
    return {p.name: p.default for p in parameters(config)}


def former_names(config: Any, prefix: str = "", attribute: str = "FORMER_NAMES") -> dict[str, str]:
    """Return every former name of a parameter or group with its present name, both dotted."""
    instance = config if not isinstance(config, type) else config()
    own: Mapping[str, str] = getattr(type(instance), attribute, {})
    result = {prefix + old: prefix + new for old, new in own.items()}
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        if dataclasses.is_dataclass(value):
            result.update(former_names(value, f"{prefix}{field.name}.", attribute))
    return result


def current_name(config: Any, name: str) -> str:
    """Return the present name of a parameter given by a present or former dotted name."""
    renamed = {**former_names(config), **former_names(config, attribute="FORMER_INVERTED")}
    for _ in range(2):  # a renamed parameter in a renamed group
        for old, new in renamed.items():
            if name == old or name.startswith(old + "."):
                name = new + name[len(old) :]
    return name


def flat_mapping(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings, as of a YAML file, to dotted names."""
    flat: dict[str, Any] = {}
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            flat.update(flat_mapping(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def replace(config: T, overrides: Mapping[str, Any], where: str) -> T:
    """Return a copy of a configuration with some parameters replaced, each one validated.

    Args:
        config: a dataclass instance of parameters.
        overrides: dotted name to value; a string is read as the parameter's type, so that
            values from a command line work.
        where: what to call the source in errors (a file, ``--set``).

    Raises:
        ConfigError: an unknown name (the nearest is named), a wrong type, out of range.
    """
    known = {p.name: p for p in parameters(config)}
    for given, value in overrides.items():
        name = current_name(config, given)
        if name != given:
            if name in overrides:
                raise ConfigError(
                    f"{where}: '{given}' is the former name of '{name}'; give one of them"
                )
            if _is_inverted(config, given):
                value = _opposite(given, value, where)
                _LOG.warning("%s: '%s' is now the opposite of '%s'", where, given, name)
            else:
                _LOG.warning("%s: '%s' is now called '%s'", where, given, name)
        if name not in known:
            raise ConfigError(f"{where}: unknown parameter '{name}'; {suggest(name, known)}")
        config = _with(config, name.split("."), convert(known[name], value, where))
    return config


def current_values(config: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by dotted name under the present names, silently; unknown names stay."""
    return {
        current_name(config, name): _opposite(name, value, name)
        if _is_inverted(config, name)
        else value
        for name, value in values.items()
    }


def _is_inverted(config: Any, name: str) -> bool:
    return name in former_names(config, attribute="FORMER_INVERTED")


def _opposite(name: str, value: Any, where: str) -> bool:
    """Return the opposite of a switch, which may be text."""
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ConfigError(f"{where}: {name}: expected bool, got {value!r}")
    return text == "false"


def _with(config: Any, path: list[str], value: Any) -> Any:
    if len(path) > 1:
        value = _with(getattr(config, path[0]), path[1:], value)
    return dataclasses.replace(config, **{path[0]: value})


def convert(p: Parameter, value: Any, where: str) -> Any:
    """Return a value in a parameter's type.

    Raises:
        ConfigError: it has another type or is out of range.
    """
    if isinstance(p.type, types.GenericAlias) or typing.get_origin(p.type) is tuple:
        kinds = [k for k in typing.get_args(p.type) if k is not Ellipsis]
        if isinstance(value, str):
            value = [part for part in value.replace("[", "").replace("]", "").split(",") if part]
        if not isinstance(value, list | tuple) or (
            Ellipsis not in typing.get_args(p.type) and len(value) != len(kinds)
        ):
            raise ConfigError(
                f"{where}: {p.name}: expected {len(kinds)} values, got {value!r} ({p.doc})"
            )
        return tuple(
            _scalar(p, kinds[min(i, len(kinds) - 1)], v, where) for i, v in enumerate(value)
        )
    return _scalar(p, p.type, value, where)


def _scalar(p: Parameter, kind: Any, value: Any, where: str) -> Any:
    wrong = ConfigError(f"{where}: {p.name}: expected {kind.__name__}, got {value!r} ({p.doc})")
    result: Any
    if kind is bool:
        if isinstance(value, str) and value.lower() in ("true", "false"):
            value = value.lower() == "true"
        if not isinstance(value, bool):
            raise wrong
        result = value
    elif kind is str:
        if not isinstance(value, str):
            raise wrong
        result = value
        if p.choices is not None and value not in p.choices:
            raise ConfigError(
                f"{where}: {p.name}: '{value}' is not accepted; {suggest(value, p.choices)}"
            )
    else:
        if isinstance(value, bool):
            raise wrong
        try:
            result = kind(value)
        except (OverflowError, TypeError, ValueError):
            raise wrong from None
        if kind is int and result != float(value):
            raise wrong
        if not math.isfinite(result):
            raise ConfigError(f"{where}: {p.name}: {value!r} is not a finite number")
        low = -math.inf if p.low is None else p.low
        high = math.inf if p.high is None else p.high
        if not low <= result <= high:
            unit = f" {p.unit}" if p.unit else ""
            raise ConfigError(
                f"{where}: {p.name}: {result}{unit} is outside [{p.low}, {p.high}]{unit}; {p.doc}"
            )
    return result
