"""Call Unitree's SDK: channels for whole messages as bytes, and the services of the robot.

The SDK's channels accept any class with ``serialize`` and ``deserialize``. The class here passes
the bytes through: the type on the wire is that of the SDK, without an object per field.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

from gpc_ros.common.errors import ConfigError, GpcError
from gpc_ros.unitree.firmware import Firmware

LOW_STATE_TOPIC, LOW_COMMAND_TOPIC = "rt/lowstate", "rt/lowcmd"
REMEDY = "make hardware, or install Unitree's unitree_sdk2py: docs/hardware.md"


class SdkError(GpcError):
    """The SDK or its middleware refuses, or the robot does not answer."""


def join(domain: int, interface: str) -> None:
    """Join a DDS domain on a network interface, once in the life of a process.

    Raises:
        ConfigError: the SDK is not installed, or there is no such interface.
        SdkError: the middleware refuses.
    """
    names = [name for _, name in socket.if_nameindex()]
    if interface not in names:
        raise ConfigError(f"no network interface '{interface}'; there are: {', '.join(names)}")
    try:
        from unitree_sdk2py.core.channel import ChannelFactory
    except ImportError as error:
        raise ConfigError(f"the SDK does not load ({error}): {REMEDY}") from None
    if not ChannelFactory().Init(domain, interface):
        raise SdkError(f"the SDK cannot join domain {domain} on interface {interface}")


def load() -> str:
    """Load all of the SDK that is used here; return the version of the middleware below it.

    Raises:
        ImportError: a part is missing or does not load.
    """
    import importlib.metadata

    import unitree_sdk2py.comm.motion_switcher.motion_switcher_client
    import unitree_sdk2py.core.channel
    import unitree_sdk2py.go2.sport.sport_client
    import unitree_sdk2py.idl.unitree_go.msg.dds_
    import unitree_sdk2py.rpc.server

    assert unitree_sdk2py is not None
    return importlib.metadata.version("cyclonedds")


def _bytes_type(name: str) -> type[Any]:
    """Return a class that the SDK's channels accept for one of its messages, made of bytes."""
    from unitree_sdk2py.idl.unitree_go.msg.dds_ import LowCmd_, LowState_

    message = {LOW_STATE_TOPIC: LowState_, LOW_COMMAND_TOPIC: LowCmd_}[name]

    class Message:
        __idl__ = message.__idl__
        __idl_typename__ = message.__idl_typename__

        def __init__(self, data: bytes) -> None:
            self.data = data

        def serialize(self, **_: Any) -> bytes:
            return self.data

        @classmethod
        def deserialize(cls, data: Any, **_: Any) -> Message:
            return cls(bytes(data))

    return Message


class Publisher:
    """Sends whole messages of one topic."""

    def __init__(self, topic: str) -> None:
        """Announce the topic; :func:`join` comes first."""
        from unitree_sdk2py.core.channel import ChannelPublisher

        self._type = _bytes_type(topic)
        self._channel = ChannelPublisher(topic, self._type)
        self._channel.Init()

    def send(self, data: bytes) -> bool:
        """Send a message; return whether the middleware took it."""
        return bool(self._channel.Write(self._type(data)))


class Subscriber:
    """Hands on whole messages of one topic, from the middleware's thread."""

    def __init__(self, topic: str, take: Callable[[bytes], object]) -> None:
        """Subscribe; :func:`join` comes first.

        Args:
            topic: of the SDK.
            take: called with each message, of any content; it must not raise.
        """
        from unitree_sdk2py.core.channel import ChannelSubscriber

        self._channel = ChannelSubscriber(topic, _bytes_type(topic))
        self._channel.Init(lambda message: take(message.data), 0)

    def close(self) -> None:
        """Unsubscribe.

        A reader that is not closed calls into an interpreter that has already been shut down.
        """
        self._channel.Close()


class MotionModes:
    """Asks the robot's motion switcher and sport mode; each call waits for the answer."""

    def __init__(self, timeout: float) -> None:
        """Connect.

        Args:
            timeout: for each answer [s].
        """
        from unitree_sdk2py.comm.motion_switcher.motion_switcher_client import MotionSwitcherClient
        from unitree_sdk2py.go2.sport.sport_client import SportClient

        self._switcher, self._sport = MotionSwitcherClient(), SportClient()
        for client in (self._switcher, self._sport):
            client.SetTimeout(timeout)
            client.Init()

    def active(self) -> str:
        """Return the name of the active mode; empty if none is.

        Raises:
            SdkError: no answer, or an invalid one.
        """
        try:
            code, answer = self._switcher.CheckMode()
        except (ValueError, TypeError) as error:
            raise SdkError(f"the motion switcher's answer cannot be read: {error}") from None
        if code != 0 or not isinstance(answer, dict):
            raise SdkError(f"the motion switcher does not name the active mode (code {code})")
        return str(answer.get("name") or "")

    def lie_down(self) -> None:
        """Let the sport mode lie down.

        Raises:
            SdkError: it refuses or does not answer.
        """
        code = self._sport.StandDown()
        if code != 0:
            raise SdkError(f"the sport mode does not lie down (code {code})")

    def release(self) -> None:
        """End the active mode.

        Raises:
            SdkError: it refuses or does not answer.
        """
        code, _ = self._switcher.ReleaseMode()
        if code != 0:
            raise SdkError(f"the motion switcher does not release the mode (code {code})")


def serve(firmware: Firmware) -> list[Any]:
    """Offer the services of an emulated robot; return the servers, which must be kept alive."""
    from unitree_sdk2py.comm.motion_switcher import motion_switcher_api as switcher
    from unitree_sdk2py.go2.sport import sport_api as sport

    def check(_: str) -> tuple[int, str]:
        return 0, json.dumps({"form": "0", "name": firmware.check_mode()})

    def select(parameter: str) -> tuple[int, str]:
        known = firmware.select_mode(str(json.loads(parameter)["name"]))
        return (0 if known else _PARAMETER), ""

    def do(action: Callable[[], None]) -> Callable[[str], tuple[int, str]]:
        def handle(_: str) -> tuple[int, str]:
            action()
            return 0, ""

        return handle

    return [
        _server(
            switcher.MOTION_SWITCHER_SERVICE_NAME,
            switcher.MOTION_SWITCHER_API_VERSION,
            {
                switcher.MOTION_SWITCHER_API_ID_CHECK_MODE: check,
                switcher.MOTION_SWITCHER_API_ID_SELECT_MODE: select,
                switcher.MOTION_SWITCHER_API_ID_RELEASE_MODE: do(firmware.release_mode),
            },
        ),
        _server(
            sport.SPORT_SERVICE_NAME,
            sport.SPORT_API_VERSION,
            {
                sport.SPORT_API_ID_STANDUP: do(firmware.stand_up),
                sport.SPORT_API_ID_STANDDOWN: do(firmware.stand_down),
            },
        ),
    ]


# The SDK's code for a request whose parameter is wrong.
_PARAMETER = 3204


def _server(name: str, version: str, handlers: dict[int, Callable[[str], tuple[int, str]]]) -> Any:
    """Return a running server of the SDK."""
    from unitree_sdk2py.rpc.server import Server

    server = Server(name)
    server._SetApiVersion(version)
    for number, handler in handlers.items():
        server._RegistHandler(number, handler, False)
    server.Start()
    return server
