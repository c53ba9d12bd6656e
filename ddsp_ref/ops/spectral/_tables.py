"""Constant tables of the short-time ops; each is tested against the literature or SciPy."""

from __future__ import annotations

import functools

import numpy as np


@functools.lru_cache(maxsize=64)
def hann_window(size, dtype=np.float64, symmetric=False):
    """Return the Hann window ``(1 - cos(2 pi n / period)) / 2``, read-only.

    The period is `size`, or `size - 1` for the symmetric window, which ends in 0 as it begins.
    """
    period = size - 1 if symmetric else size
    return _constant(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / period), dtype)


def _constant(table, dtype):
    table = table.astype(dtype)
    table.flags.writeable = False
    return table


@functools.lru_cache(maxsize=64)
def mel_matrix(n_bins, n_mels, sample_rate, low_hz, high_hz, dtype=np.float64):
    """Return the weights of bins in mel bands, shape (n_bins, n_mels), read-only.

    Band j is a triangle over the mel scale: it rises from 0 at edge j to 1 at edge j + 1 and
    falls to 0 at edge j + 2, where n_mels + 2 edges lie from low_hz to high_hz, equally far
    apart in mel. The bin at 0 Hz belongs to no band.

    Source: Young et al., The HTK Book, section 5.4, with triangles over mel instead of Hz as
    in TensorFlow, tf.signal.linear_to_mel_weight_matrix.
    """
    frequencies = np.linspace(0.0, sample_rate / 2, n_bins)
    low, high = np.log1p(low_hz / 700.0), np.log1p(high_hz / 700.0)
    place = (np.log1p(frequencies / 700.0) - low) / (high - low) * (n_mels + 1)
    weights = np.maximum(1.0 - np.abs(place[:, None] - np.arange(1, n_mels + 1)), 0.0)
    weights[0] = 0.0
    return _constant(weights, dtype)


@functools.lru_cache(maxsize=64)
def cosine_matrix(n_in, n_out, dtype=np.float64):
    """Return the first columns of the cosine transform II, shape (n_in, n_out), read-only.

    ``sqrt(2 / n_in) cos(pi k (j + 1/2) / n_in)``; column 0 is not scaled down as it would be
    in an orthogonal matrix.

    Source: Young et al., The HTK Book, equation 5.14.
    """
    angle = np.pi * ((2 * np.arange(n_in)[:, None] + 1) * np.arange(n_out) % (4 * n_in))
    return _constant(np.sqrt(2.0 / n_in) * np.cos(angle / (2 * n_in)), dtype)


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
