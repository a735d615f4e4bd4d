"""Settings as ROS parameters: typed, described and bounded, with unknown names refused.

rclpy drops an override (from a file or the command line) whose name the node never declares;
here such a name is an error that names the nearest parameter.
"""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from std_msgs.msg import String

from gpc_ros.common import config
from gpc_ros.common.config import Parameter
from gpc_ros.common.errors import ConfigError, GpcError
from gpc_ros.ros import qos
from gpc_ros.settings.parameter_files import describe, range_text

T = TypeVar("T")

# Parameters that rclpy itself declares or reads.
_ROS_PARAMETERS = ("use_sim_time", "start_type_description_service")
_ROS_PREFIXES = ("qos_overrides.",)

_TYPES = {
    bool: RosParameter.Type.BOOL,
    int: RosParameter.Type.INTEGER,
    float: RosParameter.Type.DOUBLE,
    str: RosParameter.Type.STRING,
}
_ARRAY_TYPES = {
    bool: RosParameter.Type.BOOL_ARRAY,
    int: RosParameter.Type.INTEGER_ARRAY,
    float: RosParameter.Type.DOUBLE_ARRAY,
    str: RosParameter.Type.STRING_ARRAY,
}


class NodeParameters(Generic[T]):
    """The settings of a running node, declared as ROS parameters.

    The settings are also published as JSON on the latched topic ``parameters``, for bags and
    replays.

    Attributes:
        settings: the current settings; replaced as a whole when a live parameter changes.
        serial: number of the settings, from 1; each change raises it.
    """

    def __init__(self, node: Node, defaults: T, on_change: Callable[[T], None] | None = None):
        """Declare every parameter of ``defaults``, with the overrides that the node was given.

        Args:
            node: the node that declares them.
            defaults: a dataclass instance of parameters.
            on_change: called with the new settings after a live parameter was set.

        Raises:
            ConfigError: an override has an unknown name, a wrong type or is out of range.
        """
        self._node = node
        self._on_change = on_change
        where = f"node {node.get_name()}"
        # rclpy has no public list of the overrides.
        overrides: dict[str, RosParameter] = dict(node._parameter_overrides)
        given = {
            name: _plain(parameter.value)
            for name, parameter in overrides.items()
            if name not in _ROS_PARAMETERS and not name.startswith(_ROS_PREFIXES)
        }
        self.settings: T = config.replace(defaults, given, where)
        for p in config.parameters(self.settings):
            value = list(p.default) if isinstance(p.default, tuple) else p.default
            node.declare_parameter(p.name, value, descriptor(p), ignore_override=True)
        node.add_on_set_parameters_callback(self._on_set)
        self.serial = 1
        self._facts: dict[str, Any] = {}
        self._publisher = node.create_publisher(String, "parameters", qos.latched())
        self._publish()

    def add_facts(self, **facts: Any) -> None:
        """Publish more facts beside the settings, such as the card of the model.

        Args:
            facts: values that JSON can represent.
        """
        self._facts |= facts
        self._publish()

    def _publish(self) -> None:
        """Publish all settings and facts."""
        content = {
            "node": self._node.get_name(),
            "serial": self.serial,
            "parameters": config.flatten(self.settings),
            **self._facts,
        }
        self._publisher.publish(String(data=json.dumps(content)))

    def _on_set(self, changes: list[RosParameter]) -> SetParametersResult:
        """Validate a change from outside: only live parameters change while the node runs.

        This also refuses use_sim_time: a control loop whose clock stands still sees no age grow.
        """
        live = {p.name for p in config.parameters(self.settings) if p.live}
        fixed = [change.name for change in changes if change.name not in live]
        if fixed:
            where = f"node {self._node.get_name()}"
            reason = f"{where}: {', '.join(fixed)} cannot change while it runs; start it again"
            return SetParametersResult(successful=False, reason=reason)
        given = {change.name: _plain(change.value) for change in changes}
        try:
            settings = config.replace(self.settings, given, f"node {self._node.get_name()}")
            if self._on_change is not None:
                self._on_change(settings)
        except GpcError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self.settings = settings
        self.serial += 1
        self._publish()
        return SetParametersResult(successful=True)


def descriptor(p: Parameter) -> ParameterDescriptor:
    """Return the ROS descriptor of a parameter: type, meaning, unit, range, read-only."""
    result = ParameterDescriptor(
        name=p.name,
        type=ros_type(p.type).value,
        description=describe(p),
        additional_constraints=range_text(p),
        read_only=not p.live,
    )
    bounded = p.low is not None or p.high is not None
    if bounded and p.type is float:
        low = -sys.float_info.max if p.low is None else float(p.low)
        high = sys.float_info.max if p.high is None else float(p.high)
        result.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    elif bounded and p.type is int:
        largest = 2**63 - 1
        low_int = -largest if p.low is None else int(p.low)
        high_int = largest if p.high is None else int(p.high)
        result.integer_range = [IntegerRange(from_value=low_int, to_value=high_int, step=1)]
    return result


def ros_type(kind: Any) -> RosParameter.Type:
    """Return the ROS type of a parameter's Python type."""
    if typing.get_origin(kind) is tuple:
        return _ARRAY_TYPES[typing.get_args(kind)[0]]
    if kind not in _TYPES:
        raise ConfigError(f"no ROS parameter type for {kind!r}")
    return _TYPES[kind]


def _plain(value: Any) -> Any:
    """Return a ROS value as Python's: arrays become tuples."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(value)
    return value
