"""Logarithmic magnitudes of the short-time Fourier transform."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.scaling import safe_log

from . import stft_magnitude


def define(audio, *, fft_size=2048, overlap=0.75, pad_end=True, frame_size=None, xp=np):
    """Take the natural logarithm of the magnitudes of overlapping frames.

    ``y[m, k] = ln |X[m, k]|``, and ``ln(1e-5)`` where X is 0, with X the Hann-windowed spectrum of
    frame m; see `stft_magnitude` and `safe_log`.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Signal.
    fft_size : int
        Size of the transform, even.
    overlap : float
        Part of a frame that it shares with the next, in [0, 1).
    pad_end : bool
        If True, as many frames as begin within the signal, with zeros after its end; if
        False, only frames that lie within the signal.
    frame_size : int or None
        Samples in a frame, from 2 to fft_size; None: fft_size. See `stft_magnitude`.

    Returns
    -------
    array, shape (..., n_frames, n_bins)
        Logarithmic magnitudes, with n_bins = fft_size / 2 + 1.

    Raises
    ------
    ParameterError
        If fft_size is odd or less than frame_size, overlap is out of range, or no frame lies
        within the signal.

    Notes
    -----
    Gradient: ``X / |X|^2``, without limit as X gets small; 0 where X is 0.
    Precision: float32 transforms of float32 audio, so that bins far below the largest of their
    frame have few valid digits, and their gradients, the largest, fewer. Measured on noise,
    float32 against float64: 1e-5 of the largest value, 4e-5 of the largest gradient.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_logmag.
    Differences: those of `stft_magnitude`. 1e-5 is no floor: magnitudes between 0 and 1e-5 have
    logarithms below that of 0.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> sine = np.sin(2 * np.pi * np.arange(8) / 4)
    >>> ddsp_ref.compute_logmag(sine, fft_size=8, pad_end=False)[0, 1:4].round(3) + 0.0
    array([0.   , 0.693, 0.   ])
    """
    magnitudes = stft_magnitude.define(
        audio, fft_size=fft_size, overlap=overlap, pad_end=pad_end, frame_size=frame_size, xp=xp
    )
    return safe_log.define(magnitudes, xp=xp)


def vjp(audio, *, fft_size=2048, overlap=0.75, pad_end=True, frame_size=None):
    magnitudes, pull_magnitudes = stft_magnitude.vjp(
        audio, fft_size=fft_size, overlap=overlap, pad_end=pad_end, frame_size=frame_size
    )
    y, pull_log = safe_log.vjp(magnitudes)

    def pullback(y_bar):
        return pull_magnitudes(*pull_log(y_bar))

    return y, pullback


def check(dims, *, fft_size=2048, overlap=0.75, pad_end=True, frame_size=None):
    stft_magnitude.check(
        dims, fft_size=fft_size, overlap=overlap, pad_end=pad_end, frame_size=frame_size
    )


def cases():
    noise = np.random.default_rng(0).standard_normal(50)
    gap = np.concatenate([noise[:9], np.zeros(20), noise[:5]])
    four = np.array([1.0, 2.0, 3.0, 8.0])
    return [
        # the windowed frame is 0, 1, 3, 4 with magnitudes 8, 3 sqrt(2), 2
        Case("by hand", [four], {"fft_size": 4, "overlap": 0.0},
             np.array([[math.log(8.0), math.log(18.0) / 2, math.log(2.0)]])),
        Case("typical", [noise], {"fft_size": 16}),
        Case("batch", [noise.reshape(2, 25)], {"fft_size": 8, "overlap": 0.5}),
        Case("shorter frames", [noise], {"fft_size": 16, "frame_size": 10, "pad_end": False}),
        Case("silence between", [gap], {"fft_size": 8}, grad=False),
        Case("silence", [np.zeros(3)], {"fft_size": 4}, np.full((3, 3), math.log(1e-5)),
             grad=False),
        Case("odd size", [noise], {"fft_size": 15}, error=r"fft_size is 15, .* e\.g\. 16"),
        Case("overlap 1", [noise], {"fft_size": 16, "overlap": 1.0}, error="at most 0.9375"),
        Case("too short", [noise], {"pad_end": False}, error="n_samples is 50, must be at least"),
    ]  # fmt: skip


compute_logmag = Op(
    "compute_logmag",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames,n_bins)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_logmag",
    float32_error=2e-5,
    float32_grad_error=1e-4,
)
