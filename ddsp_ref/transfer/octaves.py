"""Moving a melody by whole octaves into the range of an instrument."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_MOST_OCTAVES = 4
# An octave more has to bring this share of the notes into the range. Counting notes, not semitones,
# keeps a few that the tracker got an octave wrong from moving all the others.
_PRICE_OF_AN_OCTAVE = 0.1
_PRICE_OF_A_SEMITONE = 0.01  # of distance, decides only between octaves that are all out of range


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


def pitch_range(quantiles: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and the highest pitch that an instrument knows, but for 2 % at either end.

    Examples
    --------
    >>> pitch_range([0.0, 50.0, 100.0])
    (2.0, 98.0)
    """
    return quantile(quantiles, 0.02), quantile(quantiles, 0.98)


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

    Notes
    -----
    The original moves the mean pitch towards that of the training material, up by every begun
    octave, down by every whole one: a melody that lies a semitone below the mean goes up by an
    octave. docs/decisions/0005 has figures.

    Examples
    --------
    >>> violin = [55.0, 74.0, 93.0]
    >>> choose_octave(np.array([45.0, 48.0, 52.0]), violin), choose_octave(np.array([60.0]), violin)
    (1, 0)
    """
    low, high = pitch_range(quantiles)

    def cost(octaves: int) -> float:
        moved = midi + 12.0 * octaves
        outside = np.maximum(low - moved, 0.0) + np.maximum(moved - high, 0.0)
        far = np.mean(outside > 0.5) + _PRICE_OF_A_SEMITONE * outside.mean()
        return float(far) + _PRICE_OF_AN_OCTAVE * abs(octaves)

    return min(range(-_MOST_OCTAVES, _MOST_OCTAVES + 1), key=lambda k: (cost(k), abs(k)))


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

    Notes
    -----
    The original clips at MIDI 110, which makes a tune of one note.

    Examples
    --------
    >>> fold_octaves(np.array([10.0, 440.0, 9000.0]), 20.0, 8000.0)
    array([  20.,  440., 4500.])
    """
    up = np.ceil(np.maximum(np.log2(lowest_hz / f0_hz), 0.0))
    down = np.ceil(np.maximum(np.log2(f0_hz / highest_hz), 0.0))
    return f0_hz * 2.0 ** (up - down)
