"""Run the driver's process: Unitree's SDK on one side, the bridge's socket on the other, 500 Hz.

The bridge starts it, see ``driver_client.py``. The main thread sends LowCmds; the thread of the
middleware passes LowStates on. Before it ends, by a signal, an error or the end of the bridge, it
damps the robot. If it is killed, the robot's own watchdog damps.
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
_REPORT = 0.2  # time between two reports of its status [s]
# Longest time for an answer of the robot's services, and for lying down [s].
_ANSWER, _DOWN = 3.0, 6.0
# Largest distance of a thigh or calf from its lying pose while the robot lies [rad].
_NEAR = 0.4
# Pause between two attempts to release the sport mode [s].
_AGAIN = 1.0
# Largest age of the last LowState of a robot that is present, and the silence after which the robot
# may have been switched off and on [s].
_FRESH, _RESTARTED = 0.5, 3.0
# Time between two checks of the robot's modes [s].
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
        self._heard = -1e9  # its arrival [s]
        self._modes: dds.MotionModes | None = None
        self._other_mode = ""  # a mode that was started while this process controls the motors
        dds.join(settings.sdk_domain, settings.interface)
        self._out = dds.Publisher(dds.LOW_COMMAND_TOPIC)
        self._orders = dds.Subscriber(dds.LOW_COMMAND_TOPIC, self._on_order)
        self._states = dds.Subscriber(dds.LOW_STATE_TOPIC, self._on_state)

    def _on_state(self, data: bytes) -> None:
        """Pass a LowState on; called by a thread of the middleware."""
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
        """Wait for the robot, take over its motors, follow the bridge; damp at the end.

        A robot that was silent for long may have been switched off and on, with its sport mode
        active: then the sequence starts again.

        Raises:
            SdkError: a mode of the robot was started and has the motors now.
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
        """Take over the motors.

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
        """Check regularly whether a mode of the robot was started; runs in its own thread."""
        while not self._ended:
            time.sleep(_WATCH)
            with contextlib.suppress(dds.SdkError):  # a lost answer is ignored
                if self._core.ready and (name := modes.active()) and self._core.ready:
                    self._other_mode = name

    def _wait(
        self, why: Callable[[], str], done: Callable[[], bool], limit: float = float("inf")
    ) -> bool:
        """Wait until a condition holds or the time limit is over; return whether it holds.

        Args:
            why: returns the reason to wait, in plain words.
            done: the condition.
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
        """Let the sport mode lie down and release it; repeat until it succeeds.

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
        """Send each command of the bridge on its arrival, and the last one in every period.

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
                # The bridge sets the rhythm; this timer only fills gaps.
                due = now + 1.5 * PERIOD
            self._say(self._core.complaint or self._core.standing())
            self._report()
            if self._other_mode:
                self._core.ready = False  # no damping either: two sources would fight
                raise dds.SdkError(
                    f"the robot's mode '{self._other_mode}' was started and has the motors now"
                )
            if now - self._heard > _RESTARTED:
                self._core.ready = False
                return

    def _say(self, sentence: str) -> None:
        if sentence != self._sentence:
            self._sentence, self._reported = sentence, -1.0
            if sentence:
                print(f"driver: {sentence}", flush=True)

    def _report(self) -> None:
        """Send the status to the bridge, regularly and on every change."""
        now = time.monotonic()
        if now - self._reported >= _REPORT:
            self._reported = now
            other = self._core.other_sender(now)
            cpu = round(1e3 * time.process_time())
            self._link.report(Status(self._sentence, other, {**self._core.counters, "cpu": cpu}))

    def _damp(self) -> None:
        """Damp the robot for a while if this process controls its motors; ignore signals."""
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
    arguments: dict[str, Any] = json.loads(words[1])
    settings = config.replace(UnitreeConfig(), arguments["config"], "driver")
    process: Process | None = None

    def on_signal(*_: object) -> None:
        if process is None:
            sys.exit(0)
        process.end()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        process = Process(link, settings, arguments["damping"], arguments["dry_run"])
        gc.collect()
        gc.freeze()
        # Longest time that the middleware's thread waits for the main one [s].
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
