"""The time line of a bag: position, playback and speed, and their controls."""

from __future__ import annotations

import math
import threading
from typing import Any

import viser

_SPEEDS = {f"{s:g}x": s for s in (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)}


class TimeLine:
    """The playback position of a recording.

    Thread-safe.

    Args:
        begin: first time [s].
        end: last time [s].
    """

    def __init__(self, begin: float, end: float) -> None:
        """Start at the beginning, paused, at normal speed."""
        self.begin, self.end = begin, max(end, begin)
        self._lock = threading.Lock()
        self._position, self._playing, self._speed = begin, False, 1.0

    @property
    def position(self) -> float:
        """Current position [s]."""
        return self._position

    @property
    def playing(self) -> bool:
        """Whether playback is running."""
        return self._playing

    @property
    def speed(self) -> float:
        """Recorded seconds per second."""
        return self._speed

    def seek(self, position: float) -> None:
        """Move to a time [s], clipped to the recording."""
        with self._lock:
            self._position = min(max(position, self.begin), self.end)

    def play(self, on: bool) -> None:
        """Start or pause playback; at the end, restart from the beginning."""
        with self._lock:
            if on and self._position >= self.end:
                self._position = self.begin
            self._playing = on

    def set_speed(self, speed: float) -> None:
        """Set the recorded seconds per second."""
        with self._lock:
            self._speed = speed

    def advance(self, elapsed: float) -> float:
        """Advance by a time [s] and return the position [s]; playback stops at the end."""
        with self._lock:
            if self._playing:
                self._position = min(self._position + self._speed * elapsed, self.end)
                self._playing = self._position < self.end
            return self._position


class TimeLineControls:
    """Slider, play button and speed of a time line on a page."""

    def __init__(self, server: viser.ViserServer, line: TimeLine) -> None:
        """Add the controls."""
        self._line = line
        gui = server.gui
        low, high = math.floor(line.begin * 10.0) / 10.0, math.ceil(line.end * 10.0) / 10.0
        # Any: viser declares the value read-only, although it has a setter.
        self._slider: Any = gui.add_slider(
            "time [s]", min=low, max=max(high, low + 0.1), step=0.02, initial_value=low
        )
        self._play = gui.add_button("play")
        self._speed = gui.add_dropdown("speed", list(_SPEEDS), initial_value="1x")
        self._slider.on_update(self._on_slider)
        self._play.on_click(lambda _: line.play(not line.playing))
        self._speed.on_update(self._on_speed)

    def refresh(self) -> None:
        """Show the time line's position and state."""
        if abs(self._slider.value - self._line.position) > 1e-3:
            self._slider.value = self._line.position
        label = "pause" if self._line.playing else "play"
        if self._play.label != label:
            self._play.label = label

    def _on_slider(self, event: Any) -> None:
        # Without a client the program moved the slider, not the user.
        if event.client is not None and math.isfinite(self._slider.value):
            self._line.seek(self._slider.value)

    def _on_speed(self, _event: Any) -> None:
        """Set the chosen speed; ignore values outside the list, from forged messages."""
        if self._speed.value in _SPEEDS:
            self._line.set_speed(_SPEEDS[self._speed.value])
