"""Giving a recording the dynamics that an instrument knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddsp_ref.models.features import MIN_DB

# Quantiles are matched from the 2 % to the 98 % one. The outermost are single events.
_SHARES = np.linspace(0.02, 0.98, 25)
# A decibel more in the recording is so many in the result, at least and at most: a note held
# at one level does not become a crescendo over all that the instrument can do.
_FLATTEST, _STEEPEST = 0.5, 2.0
# Above the loudest notes levels are compressed by this.
_COMPRESSION = 4.0


def fit_loudness(
    loudness_db: np.ndarray,
    notes: np.ndarray,
    quantiles: Sequence[float],
    floor_db: float = MIN_DB,
) -> np.ndarray:
    """Map the loudness of the notes to that of an instrument, quantile by quantile.

    Parameters
    ----------
    loudness_db : ndarray, shape (n_frames,)
        Loudness as heard.
    notes : ndarray, shape (n_frames,), bool
        The frames that belong to notes, at least one.
    quantiles : sequence of float
        Quantiles of the instrument's loudness, equally spaced from 0 to 1.
    floor_db : float
        Silence: where the definition of loudness ends.

    Returns
    -------
    ndarray, shape (n_frames,)
        The loudness of every frame on one increasing curve: the median of the notes becomes the
        instrument's, from there quantiles are matched as far as slopes from a half to two allow.
        Frames without a note follow the same curve. Silence stays silence.

    Notes
    -----
    The original (magenta/ddsp 3.7.0, timbre_transfer.ipynb) matches all quantiles exactly, with
    any slope, and leaves frames without a note at the level of the recording: levels jump where
    notes begin and end, and a pause of a loud recording becomes louder than the notes of a quiet
    instrument. docs/decisions/0005 has the figures.

    Examples
    --------
    >>> quiet = np.linspace(-60.0, -50.0, 101)
    >>> fitted = fit_loudness(quiet, np.full(101, True), np.linspace(-12.0, 0.0, 101))
    >>> fitted[[10, 50, 90]].round(3)
    array([-10.8,  -6. ,  -1.2])
    """
    heard = np.quantile(loudness_db[notes], _SHARES)
    wanted = np.interp(_SHARES, np.linspace(0.0, 1.0, len(quantiles)), quantiles)
    steps = np.diff(heard)
    slopes = np.clip(np.diff(wanted) / np.maximum(steps, 1e-9), _FLATTEST, _STEEPEST)
    fitted = np.concatenate([[0.0], np.cumsum(slopes * steps)])
    fitted += wanted[len(wanted) // 2] - fitted[len(fitted) // 2]
    below = np.minimum(loudness_db - heard[0], 0.0)
    above = np.maximum(loudness_db - heard[-1], 0.0) / _COMPRESSION
    curve = np.interp(loudness_db, heard, fitted) + below + above
    return np.where(loudness_db <= floor_db, floor_db, curve)


def quieten(
    loudness_db: np.ndarray, likelihood: np.ndarray, threshold: float, quiet: float
) -> np.ndarray:
    """Turn down what is no note, the more the less likely it is one.

    Parameters
    ----------
    loudness_db : ndarray, shape (n_frames,)
        Loudness.
    likelihood : ndarray, shape (n_frames,)
        How likely a note sounds, at least 0; see `ddsp_ref.analysis.detection.detect_notes`.
    threshold : float
        From here on it is a note.
    quiet : float
        Decibels by which frames of likelihood 0 are turned down.

    Returns
    -------
    ndarray, shape (n_frames,)
        ``loudness_db - quiet * (1 - likelihood / threshold)`` below the threshold.

    Notes
    -----
    The original subtracts ``quiet * (1 - likelihood)``, so at thresholds above 1 it turns up
    frames that are nearly notes.

    Examples
    --------
    >>> quieten(np.zeros(3), np.array([0.0, 1.0, 3.0]), 2.0, 20.0)
    array([-20., -10.,   0.])
    """
    if threshold <= 0:
        return loudness_db
    return loudness_db - quiet * np.maximum(1.0 - likelihood / threshold, 0.0)
