"""Read and write parameter files (config/<node>.yaml) and describe parameters."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import yaml

from gpc_ros.common import config
from gpc_ros.common.config import Parameter
from gpc_ros.common.documents import DocumentError, read_yaml
from gpc_ros.common.errors import ConfigError

_HEADER = """\
# Parameters of the node `{node}`: {doc}
# Written by docs/tools/generate.py from the dataclasses in gpc_ros; values may be changed here.
/**:
  ros__parameters:
"""


def read_parameters(path: Path) -> dict[str, Any]:
    """Return the parameters of a file as ``{dotted name: value}``.

    Only the key ``/**`` is accepted: rclpy lets a node's own key win over later overrides, and
    such a key does not match a node in a namespace.

    Raises:
        ConfigError: the file is missing, is not YAML or has another shape.
    """
    try:
        data = read_yaml(path)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: the parameter file is missing; it comes with the package"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except DocumentError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(data, dict) or list(data) != ["/**"]:
        raise ConfigError(f"{path}: expected the single top-level key '/**'")
    body = data["/**"]
    if not isinstance(body, dict) or list(body) != ["ros__parameters"]:
        raise ConfigError(f"{path}: expected 'ros__parameters' under '/**' and nothing else")
    return config.flat_mapping(body["ros__parameters"] or {})


def parameters_yaml(node: str, settings: Any) -> str:
    """Return the YAML file of a node: every parameter with its meaning, unit and range."""
    doc = (type(settings).__doc__ or "").strip().splitlines()[0]
    lines = [_HEADER.format(node=node, doc=doc).rstrip("\n")]
    open_groups: list[str] = []
    for parameter in config.parameters(settings):
        *groups, name = parameter.name.split(".")
        common = 0
        while common < min(len(groups), len(open_groups)) and groups[common] == open_groups[common]:
            common += 1
        for depth in range(common, len(groups)):
            lines.append("  " * (depth + 2) + f"{groups[depth]}:")
        open_groups = groups
        indent = "  " * (len(groups) + 2)
        lines.append(f"{indent}# {describe(parameter)}")
        lines.append(f"{indent}{name}: {yaml_value(parameter.default)}")
    return "\n".join(lines) + "\n"


def describe(p: Parameter) -> str:
    """Return meaning, unit and range of a parameter in one line."""
    details = [d for d in (p.unit, range_text(p), "live" if p.live else "") if d]
    return p.doc + (f" [{'; '.join(details)}]" if details else "")


def range_text(p: Parameter) -> str:
    """Return the range of a parameter in words; empty if unbounded."""
    if p.choices:
        return ", ".join(p.choices)
    if p.low is None and p.high is None:
        return ""
    if p.low is None:
        return f"up to {p.high:g}"
    if p.high is None:
        return f"from {p.low:g}"
    return f"{p.low:g} to {p.high:g}"


def type_name(p: Parameter) -> str:
    """Return the type of a parameter in words."""
    names = {"float": "number", "int": "integer", "str": "text", "bool": "true or false"}
    if typing.get_origin(p.type) is tuple:
        inner = typing.get_args(p.type)[0].__name__
        return f"list of {names.get(inner, inner)}s"
    return names.get(p.type.__name__, p.type.__name__)


def yaml_value(value: Any) -> str:
    """Return a value as YAML on one line, so that it is read back with the same type."""
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, float):
        # YAML 1.1 reads 1e-05 as text; only with a point it is a number.
        text = repr(value)
        mantissa, e, exponent = text.partition("e")
        return text if not e or "." in mantissa else f"{mantissa}.0e{exponent}"
    if isinstance(value, list):
        return "[" + ", ".join(yaml_value(v) for v in value) + "]"
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
    return text.removesuffix("...").strip()
