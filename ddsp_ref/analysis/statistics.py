"""Statistics of a data set: what an instrument plays, and how loud."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.analysis._checks import mask_array, number, real_array, same_shape, whole
from ddsp_ref.analysis.detection import detect_notes
from ddsp_ref.analysis.quantiles import fit_quantile_transform
from ddsp_ref.errors import require
from ddsp_ref.ops.scaling.midi import hz_to_midi
from ddsp_ref.ops.spectral.compute_power import compute_power


def get_stats(
    x: np.ndarray, prefix: str = "x", note_mask: np.ndarray | None = None
) -> dict[str, float]:
    """Return mean, extremes and deviation of a feature.

    Parameters
    ----------
    x : array, shape (n_examples, n_frames)
        A feature.
    prefix : str
        Ends the names.
    note_mask : array, shape (n_examples, n_frames), bool, optional
        Frames that count, at least one; all if not given.

    Returns
    -------
    dict of str to float
        `mean_`, `max_`, `min_` and `std_` over all frames; `mean_max_` and `mean_min_`: the mean
        of the examples' extremes, without examples that have no frame that counts.

    Raises
    ------
    ParameterError
        If the shapes differ or no frame counts.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/postprocessing.py, compute_dataset_statistics.

    Examples
    --------
    >>> stats = get_stats(np.array([[1.0, 3.0], [5.0, 7.0]]), "pitch")
    >>> stats["mean_pitch"], stats["mean_max_pitch"], stats["min_pitch"]
    (4.0, 5.0, 1.0)
    """
    x = real_array("get_stats: x", x, n_axes=2).astype(np.float64)
    mask = np.ones(x.shape, bool)
    if note_mask is not None:
        mask = mask_array("get_stats: note_mask", note_mask, "x", x.shape)
    require(mask.any(), "get_stats: note_mask is False everywhere, must be True somewhere")
    rows = [row[own] for row, own in zip(x, mask) if own.any()]
    values = x[mask]
    stats = {
        "mean": values.mean(),
        "max": values.max(),
        "min": values.min(),
        "mean_max": np.mean([row.max() for row in rows]),
        "mean_min": np.mean([row.min() for row in rows]),
        "std": values.std(),
    }
    return {f"{name}_{prefix}": float(value) for name, value in stats.items()}


def compute_dataset_statistics(
    loudness_db: np.ndarray,
    f0_hz: np.ndarray,
    f0_confidence: np.ndarray,
    audio: np.ndarray,
    *,
    sample_rate: int = 16000,
    frame_rate: float = 250,
    power_frame_size: int = 1024,
    power_frame_rate: int = 50,
    trim_end: int = 20,
) -> dict[str, Any]:
    """Measure pitch, power and loudness of a data set, of all frames and of its notes.

    Parameters
    ----------
    loudness_db, f0_hz, f0_confidence : array, shape (n_examples, n_frames)
        Features: loudness in dB, pitch in Hz (0: none) and its confidence, 0 to 1.
    audio : array, shape (n_examples, n_samples)
        The sound they were taken from.
    sample_rate : int
        Samples per second.
    frame_rate : float
        Frames of the features per second.
    power_frame_size : int
        Samples of which the power is measured.
    power_frame_rate : int
        Frames of the power per second; need not be that of the features.
    trim_end : int
        Frames of the features that are left out at the end of each example, less than n_frames.

    Returns
    -------
    dict
        `mean_`, `max_`, `min_`, `mean_max_`, `mean_min_` and `std_`, see `get_stats`, of `pitch`
        (MIDI), `power` and `loudness` (dB), and of `pitch_note`, `power_note` and
        `loudness_note`, the frames of notes only; `quantile_transform`, a `QuantileTransformer`
        of the loudness of the notes, in one column. An example in which no note is detected
        counts as a single note.

    Raises
    ------
    ParameterError
        If shapes do not fit together or a number is out of its range.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/postprocessing.py, compute_dataset_statistics.
    Differences: the original takes a data provider; here the arrays of its batches, stacked. It
    drops 20 frames of the power too and looks its notes up by the number of the frame, and so
    fails unless power and features have equally many frames (issue 427: it does with its own
    defaults). Here a frame of the power belongs to the feature frame nearest in time; where the
    frames are as many and as dense the result is that of the original.

    Examples
    --------
    >>> ones = np.ones((1, 251))
    >>> stats = compute_dataset_statistics(-20 * ones, 440 * ones, ones, np.full((1, 16000), 0.1))
    >>> stats["mean_pitch_note"], stats["max_loudness"], round(stats["max_power_note"], 9)
    (69.0, -20.0, -20.0)
    """
    name = "compute_dataset_statistics"
    loudness_db = real_array(f"{name}: loudness_db", loudness_db, n_axes=2)
    f0_hz = real_array(f"{name}: f0_hz", f0_hz, n_axes=2)
    f0_confidence = real_array(f"{name}: f0_confidence", f0_confidence, n_axes=2)
    audio = real_array(f"{name}: audio", audio, n_axes=2)
    same_shape(f"{name}: f0_hz", f0_hz, "loudness_db", loudness_db.shape)
    same_shape(f"{name}: f0_confidence", f0_confidence, "loudness_db", loudness_db.shape)
    n_examples, n_frames = loudness_db.shape
    require(
        len(audio) == n_examples,
        f"{name}: audio has {len(audio)} examples, must have as many as loudness_db, {n_examples}",
    )
    number(f"{name}: frame_rate", frame_rate, 0.0, above=True)
    trim_end = whole(f"{name}: trim_end", trim_end, 0)
    kept = n_frames - trim_end
    require(
        kept > 0,
        f"{name}: trim_end is {trim_end}, must be less than the {n_frames} frames there are",
    )

    loudness_db, f0_confidence = loudness_db[:, :kept], f0_confidence[:, :kept]
    pitch = hz_to_midi(f0_hz[:, :kept])
    mask_on, _ = detect_notes(loudness_db, f0_confidence)
    mask_on |= ~mask_on.any(axis=1, keepdims=True)

    power = compute_power(
        audio, sample_rate=sample_rate, frame_rate=power_frame_rate, frame_size=power_frame_size
    )
    nearest = np.rint(np.arange(power.shape[1]) * (frame_rate / power_frame_rate)).astype(int)
    nearest = nearest[nearest < kept]
    power = power[:, : len(nearest)]

    stats: dict[str, Any] = {}
    for feature, x in (("pitch", pitch), ("power", power), ("loudness", loudness_db)):
        stats |= get_stats(x, feature)
    power_mask = mask_on[:, nearest]
    power_mask |= ~power_mask.any(axis=1, keepdims=True)
    stats |= get_stats(pitch, "pitch_note", mask_on)
    stats |= get_stats(power, "power_note", power_mask)
    stats |= get_stats(loudness_db, "loudness_note", mask_on)
    stats["quantile_transform"] = fit_quantile_transform(loudness_db, mask_on)
    return stats
