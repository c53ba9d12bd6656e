"""Fitting pitch and loudness of a recording to what an instrument knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddsp_ref.errors import NoPitchError, require
from ddsp_ref.models.features import MIN_DB, Features
from ddsp_ref.transfer.notes import fill_pitch, find_notes

LOWEST_HZ = 20.0
_MOST_OCTAVES = 4
# An octave more has to bring this share of the notes into the range. Counting notes, not semitones,
# keeps a few that the tracker got an octave wrong from moving all the others.
_PRICE_OF_AN_OCTAVE = 0.1
_PRICE_OF_A_SEMITONE = 0.01  # of distance, decides only between octaves that are all out of range
# Dynamics are stretched or flattened by at most this, levels above the loudest are compressed.
_FLATTEST, _WIDEST = 0.6, 1.5
_COMPRESSION = 4.0
# What is no note is moved down by this much, over so many seconds around the note.
_QUIETER_DB = 30.0
_EARLY, _FADE = 0.012, 0.032


@dataclass(frozen=True)
class Adjusted:
    """What the instrument is told to play, and how it differs from what was heard.

    Attributes
    ----------
    f0_hz, loudness_db : ndarray, shape (n_frames,), float32
        Pitch and loudness of every frame.
    notes : ndarray, shape (n_frames,), bool
        The frames that belong to a note.
    octaves : int
        Octaves by which the melody was moved to fit the instrument, without those asked for.
    loudness_db_change : float
        Change of the median loudness of the notes, in dB, all included.
    """

    f0_hz: np.ndarray
    loudness_db: np.ndarray
    notes: np.ndarray
    octaves: int
    loudness_db_change: float


def adjust(
    heard: Features,
    frame_rate: float,
    statistics: Mapping[str, Any],
    *,
    highest_hz: float,
    pitch_shift: float = 0.0,
    loudness_shift: float = 0.0,
    fit: bool = True,
) -> Adjusted:
    """Turn what was heard into what an instrument is to play.

    Parameters
    ----------
    heard : Features
        Of the recording.
    frame_rate : float
        Frames per second.
    statistics : mapping
        Of the instrument: quantiles of the pitch and the loudness that it was trained on.
    highest_hz : float
        No pitch above this comes out; frames beyond are moved down by octaves.
    pitch_shift : float
        Octaves to go up, at most 8 in size; fractions are allowed.
    loudness_shift : float
        Decibels to add, at most 120 in size.
    fit : bool
        Whether to choose an octave inside the instrument's range, map the loudness of the notes
        to the instrument's, and quieten what is no note. Otherwise only the shifts are done.

    Returns
    -------
    Adjusted
        Pitch and loudness of every frame.

    Raises
    ------
    NoPitchError
        If there is no note.
    """
    check_shifts(pitch_shift, loudness_shift)
    notes = find_notes(heard.voiced, heard.f0_confidence, heard.loudness_db, frame_rate)
    midi = 69.0 + 12.0 * np.log2(heard.f0_hz.astype(np.float64) / 440.0)
    loudness = heard.loudness_db.astype(np.float64)
    known = notes & heard.voiced
    if not known.any():
        raise NoPitchError("no pitch was found: there is no note of at least 40 ms")
    octaves = 0
    if fit:
        octaves = choose_octave(midi[known], statistics["f0_midi"]["quantiles"])
        midi = fill_pitch(midi, known, loudness, frame_rate)
        loudness = fit_loudness(loudness, notes, frame_rate, statistics["loudness_db"]["quantiles"])
    f0_hz = 440.0 * 2.0 ** ((midi - 69.0) / 12.0 + octaves + pitch_shift)
    loudness = np.maximum(loudness + loudness_shift, MIN_DB)
    return Adjusted(
        f0_hz=fold_octaves(f0_hz, LOWEST_HZ, highest_hz).astype(np.float32),
        loudness_db=loudness.astype(np.float32),
        notes=notes,
        octaves=octaves,
        loudness_db_change=float(np.median(loudness[notes]) - np.median(heard.loudness_db[notes])),
    )


def check_shifts(pitch_shift: float, loudness_shift: float) -> None:
    """Raise `ParameterError` for shifts that are not numbers or absurdly large."""
    require(
        abs(pitch_shift) <= 8,
        f"pitch_shift is {pitch_shift} octaves, must be from -8 to 8",
    )
    require(
        abs(loudness_shift) <= 120,
        f"loudness_shift is {loudness_shift} dB, must be from -120 to 120",
    )


def quantile(quantiles: Sequence[float], share: float) -> float:
    """Read a quantile of an instrument's statistics.

    Parameters
    ----------
    quantiles : sequence of float
        The values below which equally spaced shares lie, from 0 to 1.
    share : float
        From 0 to 1.

    Returns
    -------
    float
        The value below which that share lies.

    Examples
    --------
    >>> quantile([50.0, 60.0, 80.0], 0.75)
    70.0
    """
    return float(np.interp(share, np.linspace(0.0, 1.0, len(quantiles)), quantiles))


def choose_octave(midi: np.ndarray, quantiles: Sequence[float]) -> int:
    """Choose how many octaves bring a melody into the range of an instrument.

    Parameters
    ----------
    midi : ndarray, shape (n,)
        Pitches of the notes, as MIDI numbers.
    quantiles : sequence of float
        Quantiles of the instrument's pitches.

    Returns
    -------
    int
        Octaves, -4 to 4. A melody stays where it is unless an octave brings at least a tenth of
        its frames into the range between the 2 % and the 98 % quantile of the instrument.

    Examples
    --------
    >>> violin = [55.0, 74.0, 93.0]
    >>> choose_octave(np.array([45.0, 48.0, 52.0]), violin), choose_octave(np.array([60.0]), violin)
    (1, 0)
    """
    low, high = quantile(quantiles, 0.02), quantile(quantiles, 0.98)

    def cost(octaves: int) -> float:
        moved = midi + 12.0 * octaves
        outside = np.maximum(low - moved, 0.0) + np.maximum(moved - high, 0.0)
        far = np.mean(outside > 0.5) + _PRICE_OF_A_SEMITONE * outside.mean()
        return float(far) + _PRICE_OF_AN_OCTAVE * abs(octaves)

    return min(range(-_MOST_OCTAVES, _MOST_OCTAVES + 1), key=lambda k: (cost(k), abs(k)))


def fit_loudness(
    loudness_db: np.ndarray, notes: np.ndarray, frame_rate: float, quantiles: Sequence[float]
) -> np.ndarray:
    """Give the notes the loudness that an instrument knows; quieten the rest.

    Parameters
    ----------
    loudness_db : ndarray, shape (n_frames,)
        Loudness as heard.
    notes : ndarray, shape (n_frames,), bool
        The frames that belong to notes, at least one.
    frame_rate : float
        Frames per second.
    quantiles : sequence of float
        Quantiles of the instrument's loudness.

    Returns
    -------
    ndarray, shape (n_frames,)
        The median of the notes becomes the instrument's, the spread from the 10 % to the 90 %
        quantile is brought nearer to the instrument's by a factor from 0.6 to 1.5, and what would
        be louder than anything the instrument knows is compressed 4 to 1. Between notes, 30 dB
        less, with a short fade.
    """
    low, middle, high = np.quantile(loudness_db[notes], [0.1, 0.5, 0.9])
    wanted = [quantile(quantiles, share) for share in (0.1, 0.5, 0.9, 0.99)]
    stretch = (wanted[2] - wanted[0]) / max(high - low, 1e-6)
    stretch = min(max(stretch, _FLATTEST), _WIDEST)
    fitted = wanted[1] + stretch * (loudness_db - middle)
    over = np.maximum(fitted - wanted[3], 0.0)
    fitted -= over * (1.0 - 1.0 / _COMPRESSION)
    # Where the recording is silent, stretching must not lift or bury what little is there.
    fitted = np.where(loudness_db <= MIN_DB, MIN_DB, fitted)
    return fitted - _QUIETER_DB * (1.0 - _fade(notes, frame_rate))


def _fade(notes: np.ndarray, frame_rate: float) -> np.ndarray:
    """Return 1 on notes and 0 elsewhere, with slopes outside of the notes."""
    early = round((_EARLY + _FADE / 2) * frame_rate)
    wide = _smooth(notes, np.ones(2 * early + 1)) > 0
    half = round(_FADE / 2 * frame_rate)
    window = np.hanning(2 * half + 3)[1:-1]
    return np.clip(_smooth(wide, window / window.sum()), 0.0, 1.0)


def _smooth(mask: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Convolve with a window of odd length, the ends held."""
    padded = np.pad(mask.astype(np.float64), len(window) // 2, mode="edge")
    return np.convolve(padded, window, mode="valid")


def fold_octaves(f0_hz: np.ndarray, lowest_hz: float, highest_hz: float) -> np.ndarray:
    """Move frequencies into a range of at least an octave, by whole octaves.

    Parameters
    ----------
    f0_hz : ndarray, shape (n,)
        Frequencies, above 0.
    lowest_hz, highest_hz : float
        The range.

    Returns
    -------
    ndarray, shape (n,)
        Frequencies inside the range; those that were inside already are unchanged.

    Examples
    --------
    >>> fold_octaves(np.array([10.0, 440.0, 9000.0]), 20.0, 8000.0)
    array([  20.,  440., 4500.])
    """
    up = np.ceil(np.maximum(np.log2(lowest_hz / f0_hz), 0.0))
    down = np.ceil(np.maximum(np.log2(f0_hz / highest_hz), 0.0))
    return f0_hz * 2.0 ** (up - down)
