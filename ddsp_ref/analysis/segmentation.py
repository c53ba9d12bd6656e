"""Heuristics that cut the controls of a model into notes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddsp_ref.analysis._checks import number, real_array, same_shape
from ddsp_ref.analysis.runs import remove_short
from ddsp_ref.analysis.windows import pad_for_frame
from ddsp_ref.errors import require
from ddsp_ref.ops.scaling.midi import hz_to_midi

_LEAST_AMPLITUDE = 1e-7  # of the original's synthesizers, so that its logarithm exists
_CHUNK = 4096  # frames whose neighbourhoods are in memory at a time


def strided_freq_change(
    f0_hz: np.ndarray,
    *,
    frame_widths: Sequence[int] = (2, 4, 8, 16, 32),
    pad_mode: str = "front",
    threshold: float = 0.75,
    truncate_edges: bool = True,
) -> np.ndarray:
    """Tell where the pitch stays, that is, is there and does not change by most of a semitone.

    For each width, from the first to the last, frames whose pitch differs by more than the
    threshold from that ``width - 1`` frames before are marked as changes, unless one of the
    frames between is marked already.

    Parameters
    ----------
    f0_hz : array, shape (n_frames,)
        Frequency in Hz, 0 where there is no pitch.
    frame_widths : sequence of int
        Widths, at least 1 each.
    pad_mode : {"front", "center", "end"}
        Which frames are compared, see `pad_for_frame`.
    threshold : float
        Semitones, at least 0.
    truncate_edges : bool
        See `pad_for_frame`: with the original's True, frames near the ends can be marked only
        because the pitch there is no whole MIDI note number.

    Returns
    -------
    array, shape (n_frames,), bool
        False where the pitch changes or there is none.

    Raises
    ------
    ParameterError
        If there is no frame or a setting is out of its range.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/heuristics.py, strided_freq_change.
    Differences: none by default. The pitch is computed in the precision of f0_hz, as there: with
    truncated edges it matters whether 466.16376 Hz is 70 (float32) or 69.9999998 (float64).

    Examples
    --------
    >>> f0_hz = np.repeat([440.0, 880.0], 4)
    >>> strided_freq_change(f0_hz).astype(int)
    array([1, 1, 1, 1, 0, 1, 1, 1])
    """
    f0_hz = real_array("strided_freq_change: f0_hz", f0_hz)
    number("strided_freq_change: threshold", threshold, 0.0)
    midi = hz_to_midi(f0_hz)
    steady = np.ones(len(midi), bool)
    for width in frame_widths:
        padded = pad_for_frame(midi, pad_mode, width, truncate_edges=truncate_edges)
        changes = np.abs(padded[: len(midi)] - padded[width - 1 :]) > threshold
        marked = np.concatenate([[0], np.cumsum(~pad_for_frame(steady, pad_mode, width))])
        steady &= ~(changes & (marked[width:] == marked[:-width]))
    return steady & (f0_hz > 0)


def _above_neighbours(
    x: np.ndarray, frame_width: int, n_devs: float, pad_mode: str, truncate_edges: bool
) -> np.ndarray:
    """Tell which values exceed mean - n_devs * deviation of their neighbourhood."""
    padded = pad_for_frame(x, pad_mode, frame_width, truncate_edges=truncate_edges)
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame_width)
    above = np.empty(len(x), bool)
    for start in range(0, len(x), _CHUNK):
        part = slice(start, start + _CHUNK)
        # as differences from the value itself: a constant is exactly its own mean
        others = frames[part] - x[part, None]
        above[part] = others.mean(axis=1) - n_devs * others.std(axis=1) < 0
    return above


def amp_pooled_outliers(
    amplitudes: np.ndarray,
    *,
    frame_width: int = 80,
    num_devs: float = 2.0,
    pad_mode: str = "center",
    truncate_edges: bool = True,
) -> np.ndarray:
    """Tell where an amplitude is not far below those around it.

    ``log(a) > mean - num_devs * deviation`` of the logarithms in the neighbourhood.

    Parameters
    ----------
    amplitudes : array, shape (n_frames,)
        Amplitude of the harmonic synthesizer, 0 or more; below 1e-7 it counts as that.
    frame_width : int
        Frames of a neighbourhood, at least 1.
    num_devs : float
        Standard deviations, at least 0.
    pad_mode : {"front", "center", "end"}
        Where the frame lies in its neighbourhood, see `pad_for_frame`.
    truncate_edges : bool
        See `pad_for_frame`: with the original's True, logarithms between -1 and 1 are continued
        with 0 beyond the ends.

    Returns
    -------
    array, shape (n_frames,), bool
        False where the amplitude is that low, or all around it are equal.

    Raises
    ------
    ParameterError
        If there is no frame, an amplitude is negative, or a setting is out of its range.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/heuristics.py, amp_pooled_outliers.
    Differences: an amplitude of 0 makes the original's comparison fail with infinities.

    Examples
    --------
    >>> amplitudes = 0.5 + 0.1 * np.cos(np.arange(40))
    >>> amplitudes[20:22] = 0.001
    >>> np.flatnonzero(~amp_pooled_outliers(amplitudes))
    array([20, 21])
    """
    amplitudes = real_array("amp_pooled_outliers: amplitudes", amplitudes)
    lowest = amplitudes.min()
    require(lowest >= 0, f"amp_pooled_outliers: amplitudes is {lowest} at its lowest, must be >= 0")
    number("amp_pooled_outliers: num_devs", num_devs, 0.0)
    logs = np.log(np.maximum(amplitudes.astype(np.float64), _LEAST_AMPLITUDE))
    return _above_neighbours(logs, frame_width, num_devs, pad_mode, truncate_edges)


def power_pooled_outliers(
    power_db: np.ndarray,
    *,
    frame_width: int = 80,
    num_devs: float = 2.5,
    pad_mode: str = "center",
    range_db: float = 80.0,
    truncate_edges: bool = True,
) -> np.ndarray:
    """Tell where the power is above its floor and not far below the power around it.

    Parameters
    ----------
    power_db : array, shape (n_frames,)
        Power in dB, at least -range_db, as of `compute_power` with a frame_size of 256.
    frame_width, num_devs, pad_mode, truncate_edges
        As for `amp_pooled_outliers`.
    range_db : float
        Minus the power of silence.

    Returns
    -------
    array, shape (n_frames,), bool
        False where the power is that low.

    Raises
    ------
    ParameterError
        If there is no frame or a setting is out of its range.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/heuristics.py, power_pooled_outliers.
    Differences: the original always fails: it adds a constant that does not exist any more,
    LD_RANGE. Here it is the range of the power, as its comparison with 0 suggests.

    Examples
    --------
    >>> power_db = -20.0 - 3.0 * np.cos(np.arange(40))
    >>> power_db[20:22] = -60.0
    >>> np.flatnonzero(~power_pooled_outliers(power_db))
    array([20, 21])
    """
    power_db = real_array("power_pooled_outliers: power_db", power_db)
    number("power_pooled_outliers: num_devs", num_devs, 0.0)
    number("power_pooled_outliers: range_db", range_db, 0.0, above=True)
    shifted = power_db.astype(np.float64) + range_db
    above = _above_neighbours(shifted, frame_width, num_devs, pad_mode, truncate_edges)
    return above & (shifted > 0)


def midi_heuristic(
    f0_hz: np.ndarray, amplitudes: np.ndarray, *, truncate_edges: bool = True
) -> np.ndarray:
    """Tell where notes sound, from the pitch and the amplitude that a model plays.

    Parameters
    ----------
    f0_hz : array, shape (n_frames,)
        Frequency in Hz, 0 where there is no pitch.
    amplitudes : array, shape (n_frames,)
        Amplitude of the harmonic synthesizer.
    truncate_edges : bool
        See `pad_for_frame`.

    Returns
    -------
    array, shape (n_frames,), bool
        True for stretches of at least 10 frames in which the pitch stays and the amplitude is
        not far below those around it.

    Raises
    ------
    ParameterError
        If the shapes differ or there is no frame.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/heuristics.py, midi_heuristic.

    Examples
    --------
    >>> from ddsp_ref.analysis.runs import runs
    >>> f0_hz, amplitudes = np.repeat([440.0, 0.0, 660.0], 30), np.hanning(90) + 0.1
    >>> runs(midi_heuristic(f0_hz, amplitudes))
    [(0, 30), (61, 90)]
    """
    steady = strided_freq_change(f0_hz, truncate_edges=truncate_edges)
    loud = amp_pooled_outliers(amplitudes, truncate_edges=truncate_edges)
    same_shape("midi_heuristic: amplitudes", loud, "f0_hz", steady.shape)
    return remove_short(steady & loud, min_samples=10)


def midi_heuristic_power(
    f0_hz: np.ndarray, power_db: np.ndarray, *, truncate_edges: bool = True
) -> np.ndarray:
    """Tell where notes sound, as `midi_heuristic` but from the power of the audio.

    Parameters
    ----------
    f0_hz : array, shape (n_frames,)
        Frequency in Hz, 0 where there is no pitch.
    power_db : array, shape (n_frames,)
        Power in dB of the same frames; see `power_pooled_outliers`.
    truncate_edges : bool
        See `pad_for_frame`.

    Returns
    -------
    array, shape (n_frames,), bool
        Where notes sound.

    Raises
    ------
    ParameterError
        If the shapes differ or there is no frame.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/heuristics.py, midi_heuristic_power.

    Examples
    --------
    >>> from ddsp_ref.analysis.runs import runs
    >>> f0_hz = np.repeat([440.0, 660.0], 30)
    >>> runs(midi_heuristic_power(f0_hz, -30 + 10 * np.hanning(60)))
    [(0, 30), (31, 60)]
    """
    steady = strided_freq_change(f0_hz, truncate_edges=truncate_edges)
    loud = power_pooled_outliers(power_db, truncate_edges=truncate_edges)
    same_shape("midi_heuristic_power: power_db", loud, "f0_hz", steady.shape)
    return remove_short(steady & loud, min_samples=10)
