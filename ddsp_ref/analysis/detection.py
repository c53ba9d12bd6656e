"""Where notes sound, from loudness and the confidence of the pitch."""

from __future__ import annotations

import numpy as np

from ddsp_ref.analysis._checks import number, real_array, same_shape, whole
from ddsp_ref.errors import require


def smooth(x: np.ndarray, *, filter_size: int = 3, centered: bool = False) -> np.ndarray:
    """Average over a box that is moved along a signal, with zeros beyond its ends.

    Parameters
    ----------
    x : array, shape (..., n_frames)
        Any signal.
    filter_size : int
        Frames in the box, at least 1.
    centered : bool
        Only matters for an even size. False: the box of frame t goes from
        ``t - filter_size // 2 + 1`` to ``t + filter_size // 2``, so the average comes half a
        frame early. True: the box has one frame more, and both its ends count half.

    Returns
    -------
    array, shape (..., n_frames)
        Of the dtype of x.

    Raises
    ------
    ParameterError
        If x has no frames or the size is no whole number of at least 1.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/postprocessing.py, smooth (a convolution of
    TensorFlow with padding "SAME").
    Differences: sums are float64; any number of leading axes; `centered` is not in the original.

    Examples
    --------
    >>> smooth(np.array([0.0, 0.0, 4.0, 0.0, 0.0]), filter_size=4)
    array([1., 1., 1., 1., 0.])
    >>> smooth(np.array([0.0, 0.0, 4.0, 0.0, 0.0]), filter_size=4, centered=True)
    array([0.5, 1. , 1. , 1. , 0.5])
    """
    x = real_array("smooth: x", x, n_axes=None)
    filter_size = whole("smooth: filter_size", filter_size, 1)
    box = np.ones(filter_size)
    if centered and filter_size % 2 == 0:
        box = np.concatenate([[0.5], box[1:], [0.5]])
    before = (len(box) - 1) // 2
    n_frames = x.shape[-1]
    rows = x.reshape(-1, n_frames).astype(np.float64)
    y = np.empty(rows.shape)
    for row, out in zip(rows, y):
        # frame t of the full convolution ends with x[t]
        start = len(box) - 1 - before
        out[:] = np.convolve(row, box)[start : start + n_frames]
    return (y / filter_size).reshape(x.shape).astype(x.dtype)


def detect_notes(
    loudness_db: np.ndarray,
    f0_confidence: np.ndarray,
    *,
    note_threshold: float = 1.0,
    exponent: float = 2.0,
    smoothing: int = 40,
    f0_confidence_threshold: float = 0.7,
    min_db: float = -80.0,
    centered: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Tell where notes sound: where it is loud and there is a pitch.

    ``ratio = smooth(confidence^exponent) (loudness - min_db) / ((mean(loudness) - min_db)
    threshold^exponent)``, and a note sounds where that is at least `note_threshold`.

    Parameters
    ----------
    loudness_db : array, shape (..., n_frames)
        Loudness in dB. Its mean is taken over everything, recordings of a batch included.
    f0_confidence : array, shape (..., n_frames)
        Confidence of the pitch, 0 to 1; not negative.
    note_threshold : float
        Least ratio of a note, at least 0; at 0 everything is a note.
    exponent : float
        Of the confidence, at least 0.
    smoothing : int
        Frames over which the confidence is averaged, see `smooth`.
    f0_confidence_threshold : float
        The confidence that makes a frame of mean loudness a note, above 0, at most 1.
    min_db : float
        Loudness of silence.
    centered : bool
        Whether the average is centered, see `smooth`; the original's comes half a frame early.

    Returns
    -------
    mask_on : array, shape (..., n_frames), bool
        Where a note sounds.
    note_on_ratio : array, shape (..., n_frames)
        The ratio.

    Raises
    ------
    ParameterError
        If the shapes differ, a number is out of its range, or it is quieter than min_db on
        average: then min_db belongs to another definition of loudness.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/postprocessing.py, detect_notes.
    Differences: for pure silence the original divides 0 by 0; here the ratio is 0.

    Examples
    --------
    >>> loudness_db = np.array([-60.0, -20.0, -20.0, -60.0])
    >>> mask_on, ratio = detect_notes(loudness_db, np.array([0.9, 0.9, 0.2, 0.9]), smoothing=1)
    >>> mask_on
    array([False,  True, False, False])
    """
    name = "detect_notes"
    loudness_db = real_array(f"{name}: loudness_db", loudness_db, n_axes=None)
    f0_confidence = real_array(f"{name}: f0_confidence", f0_confidence, n_axes=None)
    same_shape(f"{name}: f0_confidence", f0_confidence, "loudness_db", loudness_db.shape)
    lowest = f0_confidence.min()
    require(lowest >= 0, f"{name}: f0_confidence is {lowest} at its lowest, must be at least 0")
    number(f"{name}: note_threshold", note_threshold, 0.0)
    number(f"{name}: exponent", exponent, 0.0)
    number(f"{name}: f0_confidence_threshold", f0_confidence_threshold, 0.0, 1.0, above=True)
    mean_db = float(np.mean(loudness_db, dtype=np.float64))
    require(
        mean_db >= min_db,
        f"{name}: min_db is {min_db}, must be at most the mean loudness, {mean_db:.1f} dB",
    )
    confidence = smooth(
        f0_confidence.astype(np.float64) ** exponent, filter_size=smoothing, centered=centered
    )
    threshold = (mean_db - min_db) * f0_confidence_threshold**exponent
    ratio = confidence * (loudness_db - min_db)
    ratio = ratio / threshold if threshold > 0 else np.zeros_like(ratio)
    return ratio >= note_threshold, ratio.astype(loudness_db.dtype)
