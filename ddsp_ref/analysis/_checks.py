"""What the functions of this folder may be given: arrays, masks and numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddsp_ref.arguments import float_array
from ddsp_ref.errors import require

_AXES = {1: "one axis, (n_frames,)", 2: "two axes"}


def real_array(what: str, value: Any, *, n_axes: int | None = 1) -> np.ndarray:
    """Return a finite floating-point array with something in it, or raise `ParameterError`.

    Parameters
    ----------
    what : str
        "function: argument", for the message.
    value : array_like
        Any numbers.
    n_axes : int or None
        How many axes it must have; None: at least one.

    Returns
    -------
    ndarray
        float32 or float64.
    """
    array = float_array(what, value)
    rule = _AXES[n_axes] if n_axes else "at least one axis, (..., n_frames)"
    fits = array.ndim == n_axes if n_axes else array.ndim >= 1
    require(fits, f"{what} has shape {array.shape}, must have {rule}")
    require(array.size > 0, f"{what} has shape {array.shape}, must hold at least one value")
    return array


def same_shape(what: str, array: np.ndarray, name: str, shape: tuple[int, ...]) -> None:
    """Raise `ParameterError` unless the array has the shape of another one, called `name`."""
    require(
        array.shape == shape,
        f"{what} has shape {array.shape}, must be that of {name}, {shape}",
    )


def mask_array(what: str, value: Any, name: str | None, shape: tuple[int, ...] | None) -> Any:
    """Return a boolean array of the shape of another one (any shape if None), or raise."""
    mask = np.asarray(value)
    require(
        mask.dtype == bool,
        f"{what} has dtype {mask.dtype}, must be bool: compare with a threshold first",
    )
    if name is not None and shape is not None:
        same_shape(what, mask, name, shape)
    return mask


def number(what: str, value: Any, low: float, high: float = math.inf, *, above: bool = False):
    """Return a finite number from `low` to `high`; with `above`, `low` itself is excluded."""
    good = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    good = good and math.isfinite(value) and low <= value <= high and not (above and value == low)
    start = f"above {low:g}" if above else f"at least {low:g}"
    end = "" if high == math.inf else f" and at most {high:g}"
    require(good, f"{what} is {value!r}, must be a number {start}{end}")
    return value


def whole(what: str, value: Any, low: int) -> int:
    """Return a whole number of at least `low`, or raise `ParameterError`."""
    good = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    require(good and value >= low, f"{what} is {value!r}, must be a whole number of at least {low}")
    return int(value)
