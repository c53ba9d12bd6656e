"""Mel frequency cepstral coefficients of overlapping frames."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op

from . import compute_logmel, logmel_to_mfcc


def define(
    audio,
    *,
    n_mfcc=13,
    n_mels=128,
    sample_rate=16000,
    low_hz=20.0,
    high_hz=8000.0,
    fft_size=1024,
    overlap=0.75,
    pad_end=True,
    frame_size=None,
    xp=np,
):
    """Take the mel frequency cepstral coefficients of overlapping frames.

    ``y[m, i] = sqrt(2 / n_mels) sum_j L[m, j] cos(pi i (j + 1/2) / n_mels)``, with L the
    logarithmic mel spectrum of frame m; see `compute_logmel` and `logmel_to_mfcc`.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Signal.
    n_mfcc : int
        How many coefficients to keep, from 1 to n_mels.
    n_mels : int
        Number of bands, at least 1.
    sample_rate : float
        Samples per second, positive.
    low_hz : float
        Where the first band begins, at least 0.
    high_hz : float
        Where the last band ends, above low_hz and at most half the sample rate.
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
    array, shape (..., n_frames, n_mfcc)
        Coefficients; the first is ``sqrt(2 n_mels)`` times the mean of the logarithms.

    Raises
    ------
    ParameterError
        If fft_size is odd or less than frame_size, overlap is out of range, no frame lies within
        the signal, the bands are no part of the spectrum, or n_mfcc is above n_mels.

    Notes
    -----
    Gradient: that of the parts, without limit as a band gets quiet; 0 where it is 0.
    Precision: that of `compute_logmel`.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_mfcc.
    Differences: those of `stft_magnitude` and of `logmel_to_mfcc`.

    Examples
    --------
    Twice the amplitude adds to the first coefficient only, where every band holds a bin:

    >>> import numpy as np, ddsp_ref
    >>> noise = np.random.default_rng(0).standard_normal(4000)
    >>> one, two = (ddsp_ref.compute_mfcc(a * noise, n_mels=20, n_mfcc=3)[0] for a in (1, 2))
    >>> (two - one).round(4) + 0.0
    array([4.3838, 0.    , 0.    ])
    """
    logmel = compute_logmel.define(
        audio,
        n_mels=n_mels,
        sample_rate=sample_rate,
        low_hz=low_hz,
        high_hz=high_hz,
        fft_size=fft_size,
        overlap=overlap,
        pad_end=pad_end,
        frame_size=frame_size,
        xp=xp,
    )
    return logmel_to_mfcc.define(logmel, n_mfcc=n_mfcc, xp=xp)


def vjp(audio, *, n_mfcc, **settings):
    logmel, pull_logmel = compute_logmel.vjp(audio, **settings)
    y, pull_mfcc = logmel_to_mfcc.vjp(logmel, n_mfcc=n_mfcc)

    def pullback(y_bar):
        return pull_logmel(*pull_mfcc(y_bar))

    return y, pullback


def check(dims, *, n_mfcc, n_mels, **settings):
    compute_logmel.check(dims, n_mels=n_mels, **settings)
    logmel_to_mfcc.check({"n_mels": n_mels}, n_mfcc=n_mfcc)


def cases():
    noise = np.random.default_rng(0).standard_normal(50)
    gap = np.concatenate([noise[:9], np.zeros(20), noise[:5]])
    small = {"n_mfcc": 3, "n_mels": 5, "fft_size": 16}
    # The windowed frame is 0, 1, 3, 4 with magnitudes 8, 3 sqrt(2), 2 at 0, 700 and 1400 Hz.
    # In units of mel these are ln 1, ln 2 and ln 3, so the middle of the band is ln(3) / 2.
    octaves = {"n_mfcc": 1, "n_mels": 1, "sample_rate": 2800, "low_hz": 0.0, "high_hz": 1400.0}
    four = np.array([1.0, 2.0, 3.0, 8.0])
    rise = math.log(2.0) / (math.log(3.0) / 2)
    return [
        # ln(2) lies above the middle, and weighs what is left to the upper edge; cos(0) is 1
        Case("by hand", [four], octaves | {"fft_size": 4, "overlap": 0.0},
             np.array([[math.sqrt(2.0) * math.log(3 * math.sqrt(2.0) * (2 - rise))]])),
        Case("typical", [noise], small),
        Case("batch", [noise.reshape(2, 25)],
             small | {"low_hz": 500.0, "high_hz": 6000.0, "overlap": 0.5}),
        Case("shorter frames", [noise], small | {"frame_size": 10, "pad_end": False}),
        Case("silence between", [gap], small | {"fft_size": 8}, grad=False),
        Case("silence", [np.zeros(4)], small | {"fft_size": 8},
             np.tile([math.sqrt(10.0) * math.log(1e-5), 0.0, 0.0], (2, 1)), grad=False),
        Case("odd size", [noise], {"fft_size": 15}, error=r"fft_size is 15, .* e\.g\. 16"),
        Case("too short", [noise], {"pad_end": False}, error="n_samples is 50, must be at least"),
        Case("above Nyquist", [noise], small | {"sample_rate": 8000}, error="at most half .* 4000"),
        Case("too many", [noise], small | {"n_mfcc": 6}, error="n_mfcc is 6, must be at most n_"),
        Case("no band", [noise], small | {"n_mels": 0}, error="n_mels is 0, must be a whole"),
    ]  # fmt: skip


compute_mfcc = Op(
    "compute_mfcc",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames,n_mfcc)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_mfcc",
)
