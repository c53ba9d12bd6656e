"""Neighbourhoods of the frames of a signal."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.analysis._checks import number, real_array, whole
from ddsp_ref.errors import require


def pad_for_frame(
    vec: np.ndarray, mode: str, frame_width: int, *, truncate_edges: bool = True
) -> np.ndarray:
    """Lengthen a vector so that every element has a full neighbourhood.

    Parameters
    ----------
    vec : array, shape (n,)
        Numbers or booleans.
    mode : {"front", "center", "end"}
        Where each element lies in its neighbourhood of `frame_width`: at its end, in the middle
        (the later of the two middles of an even width), or at its start.
    frame_width : int
        Elements of a neighbourhood, at least 1.
    truncate_edges : bool
        What the first and the last element become on their way into the padding: whole numbers,
        fractions cut off, as in the original; or what they are.

    Returns
    -------
    array, shape (n + frame_width - 1,)
        Neighbourhood i is ``[i : i + frame_width]``. Of the dtype of vec.

    Raises
    ------
    ParameterError
        If vec is empty or not 1-D, the mode is unknown or the width is below 1.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/heuristics.py, pad_for_frame.
    Differences: none by default. Cutting off fractions there is no intention: a pitch of 69.9
    is padded with 69, and a change is found that nobody played.

    Examples
    --------
    >>> pad_for_frame(np.array([0.5, 2.0, 3.7]), "center", 3)
    array([0. , 0.5, 2. , 3.7, 3. ])
    >>> pad_for_frame(np.array([0.5, 2.0, 3.7]), "front", 3, truncate_edges=False)
    array([0.5, 0.5, 0.5, 2. , 3.7])
    """
    is_mask = np.asarray(vec).dtype == bool
    values = np.asarray(vec) if is_mask else real_array("pad_for_frame: vec", vec)
    require(
        values.ndim == 1 and values.size > 0,
        f"pad_for_frame: vec has shape {values.shape}, must have one axis and at least one value",
    )
    width = whole("pad_for_frame: frame_width", frame_width, 1)
    before = {"front": width - 1, "center": width // 2, "end": 0}
    require(mode in before, f"pad_for_frame: mode is {mode!r}, must be one of {', '.join(before)}")
    n_before, n_after = before[mode], width - 1 - before[mode]
    first, last = values[0], values[-1]
    if truncate_edges and not is_mask:
        first, last = np.trunc(first), np.trunc(last)
    padding = np.full(n_before, first, values.dtype), np.full(n_after, last, values.dtype)
    return np.concatenate([padding[0], values, padding[1]])


def window_array(
    array: np.ndarray,
    sample_rate: float,
    window_seconds: float,
    *,
    step_ratio: float = 0.75,
    axis: int = 0,
) -> np.ndarray:
    """Cut an array into overlapping windows.

    The first window begins with ``size (1 - step_ratio)`` zeros, the last one is filled up.

    Parameters
    ----------
    array : array
        Any numbers, at least one along the axis.
    sample_rate : float
        Elements per second, above 0.
    window_seconds : float
        Length of a window; at least one element.
    step_ratio : float
        From one window to the next, as a share of its length; at least one element and at most 1.
    axis : int
        Along which axis is cut.

    Returns
    -------
    array
        In the place of the axis two: n_windows, and the elements of a window.

    Raises
    ------
    ParameterError
        If the array is empty, or a window or a step has less than one element.

    Notes
    -----
    Fractions of an element are cut off, but not what is a whole number but for rounding.
    Source: magenta/ddsp 3.7.0, ddsp/training/heuristics.py, window_array.
    Differences: the original cuts off one element more where floating point falls short, for
    example with 20 per second, 1 s and a ratio of 0.9 (1.9999999999999996 zeros), takes fewer
    zeros than it should if the array is shorter than they are, and works along axis 0 only.

    Examples
    --------
    >>> window_array(np.arange(1.0, 8.0), 4, 1.0)
    array([[0., 1., 2., 3.],
           [3., 4., 5., 6.],
           [6., 7., 0., 0.]])
    """
    array = real_array("window_array: array", array, n_axes=None)
    number("window_array: sample_rate", sample_rate, 0.0, above=True)
    number("window_array: window_seconds", window_seconds, 0.0, above=True)
    number("window_array: step_ratio", step_ratio, 0.0, 1.0, above=True)
    require(
        -array.ndim <= axis < array.ndim,
        f"window_array: axis is {axis}, must be one of the {array.ndim} axes of array",
    )
    length = sample_rate * window_seconds
    size, step = _floor(length), _floor(length * step_ratio)
    require(
        size >= 1 and step >= 1,
        f"window_array: a window has {size} elements and a step {step}, both must have at least 1;"
        " take a longer window or a larger ratio",
    )
    moved = np.moveaxis(array, axis, -1)
    n_before = _floor(length * (1.0 - step_ratio))
    n_windows = -(-(n_before + moved.shape[-1]) // step)
    n_after = max(0, (n_windows - 1) * step + size - n_before - moved.shape[-1])
    padded = np.pad(moved, [(0, 0)] * (moved.ndim - 1) + [(n_before, n_after)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=-1)
    windows = windows[..., : (n_windows - 1) * step + 1 : step, :]
    axis %= array.ndim
    return np.moveaxis(windows, [-2, -1], [axis, axis + 1]).copy()


def _floor(x: float) -> int:
    """Round down, unless only rounding errors keep a number from being whole."""
    return math.floor(x + 1e-9)
