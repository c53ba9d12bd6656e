"""Cepstral coefficients of a logarithmic mel spectrum."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

from ._tables import cosine_matrix


def define(logmel, *, n_mfcc=13, xp=np):
    """Take the cosine transform of logarithmic mel spectra.

    ``y[m, i] = sqrt(2 / n_mels) sum_j logmel[m, j] cos(pi i (j + 1/2) / n_mels)``

    Parameters
    ----------
    logmel : array, shape (..., n_frames, n_mels)
        Logarithm of the mel bands.
    n_mfcc : int
        How many coefficients to keep, from 1 to n_mels.

    Returns
    -------
    array, shape (..., n_frames, n_mfcc)
        Mel frequency cepstral coefficients; the first is ``sqrt(2 n_mels)`` times the mean.

    Raises
    ------
    ParameterError
        If n_mfcc is no whole number from 1 to n_mels.

    Notes
    -----
    Gradient: linear; the pullback multiplies by the transposed matrix.
    Precision: that of a matrix product in the precision of the input.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_mfcc, where it is
    tf.signal.mfccs_from_log_mel_spectrograms; Young et al., The HTK Book, equation 5.14.
    Differences: the original takes n_mfcc above n_mels and returns n_mels. Orthogonal transforms,
    such as librosa's, divide the first coefficient by sqrt(2).

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.logmel_to_mfcc(np.array([[1.0, 1.0], [1.0, -1.0]]), n_mfcc=2).round(4) + 0.0
    array([[2.    , 0.    ],
           [0.    , 1.4142]])
    """
    n_mels = logmel.shape[-1]
    angle = np.pi * np.outer(np.arange(n_mels) + 0.5, np.arange(n_mfcc)) / n_mels
    return np.sqrt(2.0 / n_mels) * xp.dot(logmel, np.cos(angle))


def vjp(logmel, *, n_mfcc=13):
    matrix = cosine_matrix(logmel.shape[2], int(n_mfcc), logmel.dtype)

    def pullback(y_bar):
        return (y_bar @ matrix.T,)

    return logmel @ matrix, pullback


def check(dims, *, n_mfcc=13):
    require(n_mfcc >= 1, f"n_mfcc is {n_mfcc}, must be a whole number of at least 1, e.g. 13")
    n_mels = dims["n_mels"]
    require(n_mfcc <= n_mels, f"n_mfcc is {n_mfcc}, must be at most n_mels, {n_mels}")


def cases():
    noise = np.random.default_rng(0).standard_normal((3, 20))
    root, half = np.sqrt(0.5), np.cos(np.pi / 8)
    small = np.cos(3 * np.pi / 8)
    return [
        # four bands: sqrt(2/4) times (1 + 2 + 3 + 5), and with cosines of 1, 3, 5, 7 eighths
        Case("by hand", [np.array([[1.0, 2.0, 3.0, 5.0]])], {"n_mfcc": 3},
             root * np.array([[11.0, -4 * half - small, (1 - 2 - 3 + 5) * root]])),
        Case("typical", [noise]),
        Case("all", [noise.reshape(3, 1, 20)], {"n_mfcc": 20}),
        Case("one", [noise], {"n_mfcc": 1}),
        Case("one band", [noise[:, :1]], {"n_mfcc": 1}, np.sqrt(2) * noise[:, :1]),
        Case("none", [noise], {"n_mfcc": 0}, error="n_mfcc is 0, must be a whole number"),
        Case("half", [noise], {"n_mfcc": 1.5}, error="n_mfcc is 1.5, must be a whole number"),
        Case("too many", [noise], {"n_mfcc": 21}, error="n_mfcc is 21, must be at most n_mels, 20"),
        Case("no frames axis", [noise[0]], error=r"logmel has shape \(20,\)"),
    ]  # fmt: skip


logmel_to_mfcc = Op(
    "logmel_to_mfcc",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_mels)->(n_frames,n_mfcc)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_mfcc",
)
