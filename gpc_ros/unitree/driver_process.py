"""The driver's process: Unitree's SDK on one side, the bridge's socket on the other, at 500 Hz.

Started by the bridge, see ``client.py``. Its main thread sends LowCmds; the middleware's thread
hands LowStates on. Whatever ends it, a signal, an error or the end of the bridge, it damps the
robot first; only if it is killed outright the robot's own watchdog has to.
"""

from __future__ import annotations

import contextlib
import gc
import json
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gpc_ros.common import config
from gpc_ros.common.errors import REFUSED, GpcError
from gpc_ros.common.ipc import PeerClosed
from gpc_ros.common.scheduling import schedule
from gpc_ros.robot.joints import LIE, from_sdk
from gpc_ros.unitree import dds
from gpc_ros.unitree.link import DriverEndpoint, Status
from gpc_ros.unitree.low_level_driver import Driver, Received, UnitreeConfig

PERIOD = 0.002  # [s]
_REPORT = 0.2  # time between two reports of how it goes [s]
# How long an answer of the robot's services may take, and the way down to the ground [s].
_ANSWER, _DOWN = 3.0, 6.0
# A thigh or calf this near to the lying pose lies [rad].
_NEAR = 0.4
# Pause between two attempts to release the sport mode [s].
_AGAIN = 1.0
# A LowState this young shows that the robot is there; after a silence of so long it may have been
# switched off and on [s].
_FRESH, _FORGOTTEN = 0.5, 3.0
# Time between two looks at the robot's modes [s].
_WATCH = 1.0


class Process:
    """Runs a :class:`Driver` between the wires."""

    def __init__(
        self, link: DriverEndpoint, settings: UnitreeConfig, damping: float, dry: bool
    ) -> None:
        """Join the robot's network.

        Raises:
            GpcError: the SDK is not installed, there is no such interface, or it refuses.
        """
        self._link, self._config = link, settings
        self._core = Driver(settings, damping, dry)
        self._ended = False
        self._sentence = ""
        self._reported = -1.0
        self._last: Received | None = None
        self._heard = -1e9  # when it came [s]
        self._modes: dds.MotionModes | None = None
        self._usurper = ""  # a mode of the robot that was started while its motors were ours
        dds.join(settings.sdk_domain, settings.interface)
        self._out = dds.Publisher(dds.LOW_COMMAND_TOPIC)
        self._orders = dds.Subscriber(dds.LOW_COMMAND_TOPIC, self._on_order)
        self._states = dds.Subscriber(dds.LOW_STATE_TOPIC, self._on_state)

    def _on_state(self, data: bytes) -> None:
        """Hand on a LowState; called by a thread of the middleware."""
        received = self._core.take_state(data, time.time())
        if received is not None:
            self._last, self._heard = received, time.monotonic()
            if self._core.delivers:
                self._link.deliver(received)

    def _on_order(self, data: bytes) -> None:
        self._core.take_order(data, time.monotonic())

    def end(self) -> None:
        """Ask it to end."""
        self._ended = True

    def run(self) -> None:
        """Wait for the robot, take its motors over, follow the bridge; damp at the end.

        A robot that was silent for long may have been switched on anew, with its sport mode active:
        then all begins again.

        Raises:
            SdkError: somebody else took the motors.
        """
        try:
            while not self._ended:
                self._core.expect_robot()
                self._wait(self._core.unheard, self._robot_is_there)
                if not self._core.dry_run:
                    self._take_over()
                self._say("")
                self._follow()
        except PeerClosed:
            pass
        finally:
            self._damp()

    def _robot_is_there(self) -> bool:
        """Return whether LowStates arrive whose tick advances."""
        return self._core.steady and time.monotonic() - self._heard < _FRESH

    def _take_over(self) -> None:
        """Make the motors ours.

        Raises:
            PeerClosed: this process is to end.
        """
        if self._config.release:
            if self._modes is None:
                self._modes = dds.MotionModes(_ANSWER)
                threading.Thread(target=self._watch, args=(self._modes,), daemon=True).start()
            self._release(self._modes)
        self._core.begin(time.monotonic())

    def _watch(self, modes: dds.MotionModes) -> None:
        """Look now and then whether somebody has started a mode of the robot; in its own thread."""
        while not self._ended:
            time.sleep(_WATCH)
            with contextlib.suppress(dds.SdkError):  # an answer that is lost says nothing
                if self._core.ready and (name := modes.active()) and self._core.ready:
                    self._usurper = name

    def _wait(
        self, why: Callable[[], str], done: Callable[[], bool], limit: float = float("inf")
    ) -> bool:
        """Wait until something is the case, or a time is over [s]; return whether it is.

        Args:
            why: says in plain words what is waited for.
            done: whether it is the case.
            limit: longest time [s].

        Raises:
            PeerClosed: this process is to end.
        """
        end = time.monotonic() + limit
        while not done():
            self._say(why())
            if time.monotonic() >= end:
                return False
            self._link.receive()
            self._report()
            if self._ended:
                raise PeerClosed
            time.sleep(0.01)
        return True

    def _release(self, modes: dds.MotionModes) -> None:
        """Let the sport mode lie down and release it, however often it takes.

        Raises:
            PeerClosed: this process is to end.
        """
        while True:
            try:
                name = modes.active()
                if not name:
                    return
                if not self._lies():
                    modes.lie_down()
                    down = f"the robot lies down before its mode '{name}' is released"
                    if not self._wait(_always(down), self._lies, _DOWN):
                        raise dds.SdkError("the robot does not lie down; lay it down by its remote")
                modes.release()
                print(f"driver: released the robot's mode '{name}'", flush=True)
            except dds.SdkError as error:
                kept = f"the robot's own mode is not released: {error}"
                self._wait(_always(kept), lambda: False, _AGAIN)

    def _lies(self) -> bool:
        """Return whether the legs are folded as on the ground, the hips however they fall."""
        assert self._last is not None
        position = from_sdk(self._last.record["motor"]["q"][:12].astype(np.float64))
        return bool(np.abs(position - LIE).reshape(4, 3)[:, 1:].max() < _NEAR)

    def _follow(self) -> None:
        """Send what the bridge says as soon as it does, and something every period.

        Returns when this process is to end, or when the robot was silent for long.

        Raises:
            SdkError: a mode of the robot was started.
        """
        poll = select.poll()
        poll.register(self._link.fileno(), select.POLLIN)
        due = time.monotonic()
        while not self._ended:
            poll.poll(max(0.0, 1e3 * (due - time.monotonic())))
            now = time.monotonic()
            self._core.cycle(now)
            order = self._link.receive()
            if order is not None:
                command, tick = order
                self._core.take_command(command, now, tick)
            if order is not None or now >= due:
                data = self._core.frame(now)
                if data is not None:
                    self._out.send(data)
                # The bridge's own rhythm counts; this one only fills its gaps.
                due = now + 1.5 * PERIOD
            self._say(self._core.complaint or self._core.standing())
            self._report()
            if self._usurper:
                self._core.ready = False  # not even damping: two who command one robot fight
                raise dds.SdkError(
                    f"somebody started the robot's mode '{self._usurper}': it has the motors now"
                )
            if now - self._heard > _FORGOTTEN:
                self._core.ready = False
                return

    def _say(self, sentence: str) -> None:
        if sentence != self._sentence:
            self._sentence, self._reported = sentence, -1.0
            if sentence:
                print(f"driver: {sentence}", flush=True)

    def _report(self) -> None:
        """Tell the bridge how it goes, now and then and on every change."""
        now = time.monotonic()
        if now - self._reported >= _REPORT:
            self._reported = now
            foreign = self._core.foreign(now)
            cpu = round(1e3 * time.process_time())
            self._link.report(Status(self._sentence, foreign, {**self._core.counters, "cpu": cpu}))

    def _damp(self) -> None:
        """Damp the robot for a while, if its motors are ours; nothing may stop this."""
        if not self._core.ready or self._core.dry_run:
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        end = time.monotonic() + self._config.exit_damping
        while time.monotonic() < end:
            with contextlib.suppress(Exception):
                self._out.send(self._core.brake)
            time.sleep(PERIOD)
        print("driver: damped the robot and ended", flush=True)


def _always(text: str) -> Callable[[], str]:
    return lambda: text


def main(words: list[str]) -> int:
    """Run the process.

    Args:
        words: descriptor of the socket, and the settings as JSON.
    """
    link = DriverEndpoint(socket.socket(fileno=int(words[0])))
    told: dict[str, Any] = json.loads(words[1])
    settings = config.replace(UnitreeConfig(), told["config"], "driver")
    process: Process | None = None

    def on_signal(*_: object) -> None:
        if process is None:
            sys.exit(0)
        process.end()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        process = Process(link, settings, told["damping"], told["dry_run"])
        gc.collect()
        gc.freeze()
        # The middleware's thread waits for the main one no longer than this [s].
        sys.setswitchinterval(0.0005)
        schedule(settings.scheduling)
    except GpcError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return REFUSED
    try:
        process.run()
    except GpcError as error:
        print(f"driver: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
