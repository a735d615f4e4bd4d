"""The array type of the core and the validation of arrays from outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gpc_ros.common.errors import InputError

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


def validate_array(value: Any, shape: tuple[int, ...], what: str) -> Array:
    """Return a value as a float64 array of a given shape with only finite entries.

    Args:
        value: anything that numpy turns into an array.
        shape: the required shape; -1 accepts any length along that axis.
        what: name for the error, with its unit if it has one.

    Returns:
        The array; a copy only if the input was not a float64 array already.

    Raises:
        InputError: the shape differs or an entry is NaN or infinite.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: not numbers: {error}") from None
    if array.ndim != len(shape) or any(
        want not in (-1, have) for want, have in zip(shape, array.shape, strict=True)
    ):
        wanted = "x".join("any" if n < 0 else str(n) for n in shape)
        raise InputError(f"{what}: expected shape {wanted}, got {array.shape}")
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0]
        where = ", ".join(str(int(i)) for i in bad)
        raise InputError(f"{what}: entry [{where}] is {array[tuple(bad)]}, not a finite number")
    return array
