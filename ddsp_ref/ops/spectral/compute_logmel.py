"""Logarithmic mel spectra of overlapping frames."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.scaling import safe_log

from . import compute_mel


def define(
    audio,
    *,
    n_mels=64,
    sample_rate=16000,
    low_hz=80.0,
    high_hz=7600.0,
    fft_size=2048,
    overlap=0.75,
    pad_end=True,
    frame_size=None,
    xp=np,
):
    """Take the natural logarithm of the mel bands of overlapping frames.

    ``y[m, j] = ln sum_k W[k, j] |X[m, k]|``, and ``ln(1e-5)`` where the sum is 0, with X the
    Hann-windowed spectrum of frame m and W the triangles of the mel bands; see `compute_mel` and
    `safe_log`.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Signal.
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
    array, shape (..., n_frames, n_mels)
        Logarithm of each band. A band that is narrower than the distance of bins may hold none
        and is ln(1e-5) then, whatever the signal.

    Raises
    ------
    ParameterError
        If fft_size is odd or less than frame_size, overlap is out of range, no frame lies within
        the signal, or the bands are no part of the spectrum.

    Notes
    -----
    Gradient: that of the parts, without limit as a band gets quiet; 0 where it is 0.
    Precision: float32 transforms of float32 audio, so that bands far below the loudest have fewer
    valid digits.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_logmel.
    Differences: those of `stft_magnitude`. 1e-5 is no floor: sums between 0 and 1e-5 have
    logarithms below that of 0.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> sine = np.sin(2 * np.pi * 440 * np.arange(4000) / 16000)
    >>> logmel = ddsp_ref.compute_logmel(sine, n_mels=40)
    >>> logmel.shape, int(logmel[0].argmax())
    ((8, 40), 6)
    """
    mel = compute_mel.define(
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
    return safe_log.define(mel, xp=xp)


def vjp(audio, **settings):
    mel, pull_mel = compute_mel.vjp(audio, **settings)
    y, pull_log = safe_log.vjp(mel)

    def pullback(y_bar):
        return pull_mel(*pull_log(y_bar))

    return y, pullback


def check(dims, **settings):
    compute_mel.check(dims, **settings)


def cases():
    noise = np.random.default_rng(0).standard_normal(50)
    gap = np.concatenate([noise[:9], np.zeros(20), noise[:5]])
    small = {"n_mels": 5, "fft_size": 16}
    # The windowed frame is 0, 1, 3, 4 with magnitudes 8, 3 sqrt(2), 2 at 0, 700 and 1400 Hz.
    # In units of mel these are ln 1, ln 2 and ln 3, so the middle of the band is ln(3) / 2.
    octaves = {"n_mels": 1, "sample_rate": 2800, "low_hz": 0.0, "high_hz": 1400.0}
    four = np.array([1.0, 2.0, 3.0, 8.0])
    rise = math.log(2.0) / (math.log(3.0) / 2)
    return [
        # ln(2) lies above the middle, and weighs what is left to the upper edge
        Case("by hand", [four], octaves | {"fft_size": 4, "overlap": 0.0},
             np.array([[math.log(3 * math.sqrt(2.0) * (2 - rise))]])),
        Case("typical", [noise], small),
        Case("batch", [noise.reshape(2, 25)],
             small | {"low_hz": 500.0, "high_hz": 6000.0, "overlap": 0.5}),
        Case("shorter frames", [noise], small | {"frame_size": 10, "pad_end": False}),
        Case("silence between", [gap], small | {"fft_size": 8}, grad=False),
        Case("silence", [np.zeros(4)], small | {"fft_size": 8}, np.full((2, 5), math.log(1e-5)),
             grad=False),
        Case("odd size", [noise], {"fft_size": 15}, error=r"fft_size is 15, .* e\.g\. 16"),
        Case("too short", [noise], {"pad_end": False}, error="n_samples is 50, must be at least"),
        Case("above Nyquist", [noise], small | {"sample_rate": 8000}, error="at most half .* 4000"),
        Case("no band", [noise], small | {"n_mels": 0}, error="n_mels is 0, must be a whole"),
    ]  # fmt: skip


compute_logmel = Op(
    "compute_logmel",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames,n_mels)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_logmel",
)
