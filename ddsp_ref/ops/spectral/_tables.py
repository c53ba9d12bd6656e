"""Constant tables of the short-time ops; each is tested against the literature or SciPy."""

from __future__ import annotations

import functools

import numpy as np


@functools.lru_cache(maxsize=64)
def hann_window(size, dtype=np.float64):
    """Return the periodic Hann window ``(1 - cos(2 pi n / size)) / 2``, read-only."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    window = window.astype(dtype)
    window.flags.writeable = False
    return window


def a_weighting_db(frequencies_hz, floor_db=-80.0):
    """Return the A-weighting of frequencies, in dB, 0 at 1 kHz.

    Source: IEC 61672-1:2013, annex E; with the rounded 2 dB and the floor of
    librosa 0.10, `librosa.A_weighting`.
    """
    square = np.asarray(frequencies_hz, np.float64) ** 2
    poles = np.array([20.598997, 107.65265, 737.86223, 12194.217]) ** 2
    response = (
        poles[3]
        * square**2
        / (square + poles[0])
        / np.sqrt((square + poles[1]) * (square + poles[2]))
        / (square + poles[3])
    )
    smallest = 10.0 ** ((floor_db - 2.0) / 20.0)
    return np.maximum(2.0 + 20.0 * np.log10(np.maximum(response, smallest)), floor_db)
