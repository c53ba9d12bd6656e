"""Stretches of True in a mask: where notes begin and end."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.analysis._checks import mask_array, whole
from ddsp_ref.errors import require


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Return the (start, stop) of every stretch of True.

    Parameters
    ----------
    mask : array, shape (n_frames,), bool
        Any.

    Returns
    -------
    list of (int, int)
        In order; `stop` is exclusive.

    Raises
    ------
    ParameterError
        If the mask is not boolean or not 1-D.

    Examples
    --------
    >>> runs(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    mask = mask_array("runs: mask", mask, None, None)
    require(mask.ndim == 1, f"runs: mask has shape {mask.shape}, must be (n_frames,)")
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2])]


def remove_short(
    is_on: np.ndarray, *, min_samples: int = 20, short: str = "remove", last: str = "keep"
) -> np.ndarray:
    """Turn off stretches that are too short for a note, or attach them to the note before.

    Parameters
    ----------
    is_on : array, shape (n_frames,), bool
        Where a note sounds.
    min_samples : int
        Frames of the shortest note, at least 0.
    short : {"remove", "attach", "fill"}
        What becomes of shorter ones. "remove": they are turned off. "attach": they, and the gap
        before them, belong to the note before; without one, they are turned off. "fill", the
        original's glue_back=True: every frame that is off is turned on, apart from the ones
        directly before a note that is long enough and the last one.
    last : {"keep", "judge"}
        Whether a stretch that goes on to the end is kept whatever its length, as in the original,
        or judged as any other.

    Returns
    -------
    array, shape (n_frames,), bool
        A new array.

    Raises
    ------
    ParameterError
        If is_on is no 1-D array of booleans or a setting is out of its range.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/heuristics.py, remove_short.
    Differences: the original also changes its argument. Its glue_back is described as "attach",
    but takes every silent frame for a short note: that is "fill".

    Examples
    --------
    >>> is_on = np.array([1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 1]) > 0
    >>> remove_short(is_on, min_samples=2).astype(int)
    array([1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1])
    >>> remove_short(is_on, min_samples=2, short="attach").astype(int)
    array([1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1])
    """
    is_on = mask_array("remove_short: is_on", is_on, None, None)
    require(is_on.ndim == 1, f"remove_short: is_on has shape {is_on.shape}, must be (n_frames,)")
    min_samples = whole("remove_short: min_samples", min_samples, 0)
    ways = ("remove", "attach", "fill")
    require(short in ways, f"remove_short: short is {short!r}, must be one of {', '.join(ways)}")
    require(last in ("keep", "judge"), f"remove_short: last is {last!r}, must be 'keep' or 'judge'")
    result = is_on.copy()
    if short == "fill":
        off = np.flatnonzero(~is_on)
        result[off[:-1][np.diff(off) - 1 < min_samples]] = True
        return result
    end_before = None
    for start, stop in runs(is_on):
        if stop - start >= min_samples or (stop == len(is_on) and last == "keep"):
            end_before = stop
        elif short == "attach" and end_before is not None:
            result[end_before:stop] = True
            end_before = stop
        else:
            result[start:stop] = False
    return result


def get_active_frame_indices(piano_roll: Any) -> np.ndarray:
    """Count the frames since each note of a piano roll began.

    Parameters
    ----------
    piano_roll : array, shape (n_frames, n_pitches)
        1 or True where a note sounds, otherwise 0.

    Returns
    -------
    array, shape (n_frames, n_pitches), int64
        0 where no note sounds. The first frame of a note is 1, the second 2 and so on; but 0, 1
        and so on for notes that sound in the first frame of the roll.

    Raises
    ------
    ParameterError
        If the roll is not 2-D or holds other values.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/heuristics.py, get_active_frame_indices.
    Differences: the original multiplies by the values of the roll; velocities give nonsense there.

    Examples
    --------
    >>> get_active_frame_indices([[1, 0], [1, 1], [0, 1]])
    array([[0, 0],
           [1, 1],
           [0, 2]])
    """
    roll = np.asarray(piano_roll)
    what = "get_active_frame_indices: piano_roll"
    require(roll.ndim == 2, f"{what} has shape {roll.shape}, must be (n_frames, n_pitches)")
    require(np.isin(roll, (0, 1)).all(), f"{what} holds other values than 0 and 1")
    frames = np.arange(len(roll))[:, None]
    # the last frame in which each pitch was silent; the first one counts as silent
    silent = np.maximum.accumulate(np.where(roll == 1, 0, frames), axis=0)
    return frames - silent
