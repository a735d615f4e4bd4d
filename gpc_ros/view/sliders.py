"""Controls for parameters, with range, step and description from their declaration."""

from __future__ import annotations

import math
import queue
from collections.abc import Callable, Iterable
from typing import Any

import viser

from gpc_ros.common.config import Parameter, convert
from gpc_ros.common.errors import ConfigError

# Ranges up to more than this many times the default are shortened.
_WIDE = 20.0


class Sliders:
    """One control per parameter; changes are queued until :meth:`take`.

    Args:
        server: the page.
        title: title of the folder.
        parameters: the parameters; texts and lists get a field instead of a slider.
        refuse: shows the user, title and text, that a value was rejected.
    """

    def __init__(
        self,
        server: viser.ViserServer,
        title: str,
        parameters: Iterable[Parameter],
        refuse: Callable[[str, str], None],
    ) -> None:
        """Add the controls."""
        self._refuse = refuse
        self._changes: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._handles: dict[str, Any] = {}
        self._parameters = {p.name: p for p in parameters}
        self._sliding: set[str] = set()
        self._current: dict[str, Any] = {n: p.default for n, p in self._parameters.items()}
        with server.gui.add_folder(title, expand_by_default=False):
            for name, parameter in self._parameters.items():
                self._handles[name] = handle = _add(server, parameter)
                if isinstance(handle, viser.GuiSliderHandle):
                    self._sliding.add(name)
                handle.on_update(self._listener(name))

    def take(self) -> dict[str, Any]:
        """Return the values that the user changed since the last call, by name."""
        changes: dict[str, Any] = {}
        while not self._changes.empty():
            name, value = self._changes.get()
            changes[name] = value
        return changes

    def show(self, name: str, value: Any) -> None:
        """Show the current value of a parameter; unknown names are ignored."""
        handle = self._handles.get(name)
        if handle is None:
            return
        self._current[name] = value
        shown: Any = tuple(value) if isinstance(value, list | tuple) else value
        if name in self._sliding:
            handle.min, handle.max = min(handle.min, shown), max(handle.max, shown)
        if handle.value != shown:
            handle.value = shown

    def _listener(self, name: str) -> Any:
        def changed(event: Any) -> None:
            if event.client is None:  # the program set the value, not the user
                return
            value = self._handles[name].value
            try:
                self._changes.put((name, convert(self._parameters[name], value, "viewer")))
            except ConfigError as error:
                self._refuse("refused", str(error))
                self.show(name, self._current[name])

        return changed


def slider_range(p: Parameter) -> tuple[float, float, float] | None:
    """Return lower end, upper end and step of a parameter's slider; None without a range.

    The ends come from the declaration. A range far beyond the default ends at ten times the
    default, so that values near the default stay selectable.

    Args:
        p: a numeric parameter.
    """
    if p.low is None or p.high is None or (not p.default and p.high - p.low > _WIDE):
        return None
    wide = p.default > 0 and p.high > _WIDE * p.default
    high = 10.0 * p.default if wide else p.high
    if p.type is int:
        return p.low, high, 1
    # A power of ten that gives at least fifty steps, and the default two digits.
    step = 1.0
    while step * 50.0 > high - p.low or (p.default and step > abs(p.default) / 10.0):
        step /= 10.0
    # Values lie on multiples of the step, counted from the lower end.
    return min(math.ceil(p.low / step - 1e-6) * step, p.default), high, step


def _add(server: viser.ViserServer, p: Parameter) -> Any:
    """Add the control of one parameter."""
    gui, hint = server.gui, p.doc + (f" [{p.unit}]" if p.unit else "")
    if p.choices is not None:
        return gui.add_dropdown(p.name, p.choices, initial_value=p.default, hint=hint)
    if p.type is bool:
        return gui.add_checkbox(p.name, initial_value=p.default, hint=hint)
    if p.type in (int, float):
        ends = slider_range(p)
        if ends is None:
            return gui.add_number(p.name, p.default, min=p.low, max=p.high, hint=hint)
        low, high, step = (p.type(value) for value in ends)
        return gui.add_slider(p.name, low, high, step, p.default, hint=hint)
    if isinstance(p.default, tuple) and len(p.default) == 3:
        limits: dict[str, Any] = {}
        if p.low is not None:
            limits["min"] = (float(p.low),) * 3
        if p.high is not None:
            limits["max"] = (float(p.high),) * 3
        return gui.add_vector3(p.name, p.default, step=0.05, hint=hint, **limits)
    return gui.add_text(p.name, str(p.default), hint=hint)
