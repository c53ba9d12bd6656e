"""How far a performance is from what it was asked to be: loudness and pitch."""

from __future__ import annotations

import numpy as np

from ddsp_ref.analysis._checks import number, real_array, same_shape
from ddsp_ref.errors import require
from ddsp_ref.ops.scaling.midi import hz_to_midi

MIN_F0_CONFIDENCE = 0.85


def _line(what: str, value: np.ndarray) -> np.ndarray:
    """Return a vector; axes of size 1 are dropped, as the original does it."""
    array = real_array(what, value, n_axes=None)
    require(
        array.size == max(array.shape),
        f"{what} has shape {array.shape}, must have one axis besides axes of size 1",
    )
    return array.reshape(-1)


def l1_distance(prediction: np.ndarray, ground_truth: np.ndarray) -> np.ndarray:
    """Return the size of the difference of two vectors, up to the end of the shorter one.

    Parameters
    ----------
    prediction, ground_truth : array, shape (n,), (m,)
        Anything; axes of size 1 are dropped.

    Returns
    -------
    array, shape (min(n, m),)
        ``|prediction - ground_truth|``, element by element.

    Raises
    ------
    ParameterError
        If one is empty or has two axes.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/metrics.py, l1_distance.

    Examples
    --------
    >>> l1_distance(np.array([1.0, 5.0]), np.array([[2.0, 2.0, 2.0]]))
    array([1., 3.])
    """
    one = _line("l1_distance: prediction", prediction)
    other = _line("l1_distance: ground_truth", ground_truth)
    n = min(len(one), len(other))
    return np.abs(one[:n] - other[:n])


def is_outlier(f0_confidence: np.ndarray, *, min_confidence: float = MIN_F0_CONFIDENCE) -> bool:
    """Tell whether the pitch of a recording is nowhere sure enough to be compared.

    Parameters
    ----------
    f0_confidence : array, shape (n_frames,)
        Confidence of the pitch, 0 to 1.
    min_confidence : float
        What is sure, 0 to 1.

    Returns
    -------
    bool
        Whether the largest confidence is below that.

    Raises
    ------
    ParameterError
        If there is no frame or the threshold is not within 0 to 1.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/metrics.py, is_outlier.

    Examples
    --------
    >>> is_outlier(np.array([0.1, 0.84])), is_outlier(np.array([0.1, 0.85]))
    (True, False)
    """
    number("is_outlier: min_confidence", min_confidence, 0.0, 1.0)
    return bool(_line("is_outlier: f0_confidence", f0_confidence).max() < min_confidence)


def f0_distance(
    f0_hz: np.ndarray,
    f0_hz_gen: np.ndarray,
    f0_confidence: np.ndarray,
    *,
    min_confidence: float = MIN_F0_CONFIDENCE,
) -> float | None:
    """Measure how far one pitch is from another where that one is sure.

    Parameters
    ----------
    f0_hz : array, shape (n_frames,)
        Pitch of the original in Hz; 0 (no pitch) counts as MIDI note number 0.
    f0_hz_gen : array, shape (m_frames,)
        Pitch that is judged, of the same frames; the longer one is cut.
    f0_confidence : array, shape (n_frames,)
        Confidence of `f0_hz`.
    min_confidence : float
        Which frames count, 0 to 1.

    Returns
    -------
    float or None
        Mean distance in semitones; None if no frame is sure.

    Raises
    ------
    ParameterError
        If `f0_confidence` has not the length of `f0_hz` or the threshold is not within 0 to 1.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/metrics.py, f0_dist_conf_thresh.
    Differences: the original fails where `f0_hz_gen` is shorter, and gives NaN where no sure frame
    is left.

    Examples
    --------
    >>> f0_hz, confidence = np.array([440.0, 440.0, 440.0]), np.array([0.9, 0.9, 0.1])
    >>> f0_distance(f0_hz, np.array([220.0, 440.0, 100.0]), confidence)
    6.0
    """
    number("f0_distance: min_confidence", min_confidence, 0.0, 1.0)
    f0_hz = _line("f0_distance: f0_hz", f0_hz)
    confidence = _line("f0_distance: f0_confidence", f0_confidence)
    same_shape("f0_distance: f0_confidence", confidence, "f0_hz", f0_hz.shape)
    f0_hz_gen = _line("f0_distance: f0_hz_gen", f0_hz_gen)
    distance = l1_distance(hz_to_midi(f0_hz), hz_to_midi(f0_hz_gen))
    sure = confidence[: len(distance)] >= min_confidence
    return float(distance[sure].mean(dtype=np.float64)) if sure.any() else None


def raw_pitch_accuracy(
    f0_hz: np.ndarray, f0_hz_gen: np.ndarray, *, tolerance_cents: float = 50.0, chroma: bool = False
) -> float:
    """Return the share of the frames with a pitch in which another pitch is the same.

    Parameters
    ----------
    f0_hz : array, shape (n_frames,)
        Pitch of the original in Hz, 0 where there is none.
    f0_hz_gen : array, shape (n_frames,)
        Pitch that is judged in Hz; 0, none, is wrong wherever the original has one.
    tolerance_cents : float
        Less than this far apart is the same, above 0.
    chroma : bool
        Whether octaves do not matter.

    Returns
    -------
    float
        0 to 1; 0 if the original has no pitch.

    Raises
    ------
    ParameterError
        If the lengths differ, a frequency is negative or the tolerance is not above 0.

    Notes
    -----
    Source: mir_eval 0.8, melody.py, raw_pitch_accuracy and raw_chroma_accuracy, as magenta/ddsp's
    F0Metrics calls them.
    Differences: there a pitch of exactly 10 Hz counts as none.

    Examples
    --------
    >>> f0_hz, f0_hz_gen = np.array([440.0, 440.0, 0.0]), np.array([220.0, 441.0, 100.0])
    >>> raw_pitch_accuracy(f0_hz, f0_hz_gen), raw_pitch_accuracy(f0_hz, f0_hz_gen, chroma=True)
    (0.5, 1.0)
    """
    number("raw_pitch_accuracy: tolerance_cents", tolerance_cents, 0.0, above=True)
    f0_hz = _line("raw_pitch_accuracy: f0_hz", f0_hz).astype(np.float64)
    f0_hz_gen = _line("raw_pitch_accuracy: f0_hz_gen", f0_hz_gen).astype(np.float64)
    same_shape("raw_pitch_accuracy: f0_hz_gen", f0_hz_gen, "f0_hz", f0_hz.shape)
    lowest = min(f0_hz.min(), f0_hz_gen.min())
    require(lowest >= 0, f"raw_pitch_accuracy: a frequency is {lowest} Hz, must be at least 0")
    both = (f0_hz > 0) & (f0_hz_gen > 0)
    cents = 1200.0 * np.abs(np.log2(f0_hz[both] / f0_hz_gen[both]))
    if chroma:
        cents = np.abs(cents - 1200.0 * np.floor(cents / 1200.0 + 0.5))
    n_pitched = np.count_nonzero(f0_hz)
    return float(np.count_nonzero(cents < tolerance_cents) / n_pitched) if n_pitched else 0.0
