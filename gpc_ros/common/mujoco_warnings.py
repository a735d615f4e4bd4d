"""Silence MuJoCo's texts and its MUJOCO_LOG.TXT when a candidate diverges."""

from __future__ import annotations

import ctypes
from pathlib import Path

import mujoco

_silenced = False


def silence_mujoco() -> None:
    """Drop MuJoCo's warning texts in this process; the counters in ``data.warning`` still count.

    A diverging candidate is an ordinary event for a sampling planner, and its warning would be
    formatted, printed and appended to a file in the working folder from inside the rollout. The
    handler has to be a C function, since it is called on threads without Python.
    """
    global _silenced
    if _silenced:
        return
    library = next(Path(mujoco.__file__).parent.glob("libmujoco.so*"))
    handler = ctypes.c_void_p.in_dll(ctypes.CDLL(str(library)), "mju_user_warning")
    # strlen has the right signature, reads the text and does nothing with it.
    handler.value = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value
    _silenced = True
