"""Mel spectra of overlapping frames."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op

from . import magnitude_to_mel, stft_magnitude


def define(
    audio,
    *,
    n_mels=64,
    sample_rate=16000,
    low_hz=0.0,
    high_hz=8000.0,
    fft_size=2048,
    overlap=0.75,
    pad_end=True,
    frame_size=None,
    xp=np,
):
    """Gather the magnitudes of overlapping frames in mel bands.

    ``y[m, j] = sum_k W[k, j] |X[m, k]|``, with X the Hann-windowed spectrum of frame m and W the
    triangles of the mel bands; see `stft_magnitude` and `magnitude_to_mel`.

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
        Sum of the magnitudes in each band.

    Raises
    ------
    ParameterError
        If fft_size is odd or less than frame_size, overlap is out of range, no frame lies within
        the signal, or the bands are no part of the spectrum.

    Notes
    -----
    Gradient: that of the parts; 0 for bins that are 0.
    Precision: that of `stft_magnitude`; sums of positive numbers lose nothing more.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_mel.
    Differences: those of `stft_magnitude`.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> sine = np.sin(2 * np.pi * 440 * np.arange(4000) / 16000)
    >>> mel = ddsp_ref.compute_mel(sine, n_mels=40)
    >>> mel.shape, int(mel[0].argmax())
    ((8, 40), 7)
    """
    magnitudes = stft_magnitude.define(
        audio, fft_size=fft_size, overlap=overlap, pad_end=pad_end, frame_size=frame_size, xp=xp
    )
    bands = {"n_mels": n_mels, "sample_rate": sample_rate, "low_hz": low_hz, "high_hz": high_hz}
    return magnitude_to_mel.define(magnitudes, **bands, xp=xp)


_OF_BANDS = ("n_mels", "sample_rate", "low_hz", "high_hz")


def _split(settings):
    """Return the settings of the transform and those of the bands."""
    bands = {name: settings[name] for name in _OF_BANDS}
    return {name: value for name, value in settings.items() if name not in bands}, bands


def vjp(audio, **settings):
    transform, bands = _split(settings)
    magnitudes, pull_magnitudes = stft_magnitude.vjp(audio, **transform)
    y, pull_bands = magnitude_to_mel.vjp(magnitudes, **bands)

    def pullback(y_bar):
        return pull_magnitudes(*pull_bands(y_bar))

    return y, pullback


def check(dims, **settings):
    transform, bands = _split(settings)
    stft_magnitude.check(dims, **transform)
    magnitude_to_mel.check({"n_bins": transform["fft_size"] // 2 + 1}, **bands)


def cases():
    noise = np.random.default_rng(0).standard_normal(50)
    gap = np.concatenate([noise[:9], np.zeros(20), noise[:5]])
    small = {"n_mels": 5, "fft_size": 16}
    # The windowed frame is 0, 1, 3, 4 with magnitudes 8, 3 sqrt(2), 2 at 0, 700 and 1400 Hz.
    # In units of mel these are ln 1, ln 2 and ln 3, so the middle of the band is ln(3) / 2.
    octaves = {"n_mels": 1, "sample_rate": 2800, "high_hz": 1400.0}
    four = np.array([1.0, 2.0, 3.0, 8.0])
    rise = math.log(2.0) / (math.log(3.0) / 2)
    return [
        # ln(2) lies above the middle, and weighs what is left to the upper edge
        Case("by hand", [four], octaves | {"fft_size": 4, "overlap": 0.0},
             np.array([[3 * math.sqrt(2.0) * (2 - rise)]])),
        Case("typical", [noise], small),
        Case("batch", [noise.reshape(2, 25)],
             small | {"low_hz": 500.0, "high_hz": 6000.0, "overlap": 0.5}),
        Case("shorter frames", [noise], small | {"frame_size": 10, "pad_end": False}),
        Case("silence between", [gap], small | {"fft_size": 8}, grad=False),
        Case("odd size", [noise], {"fft_size": 15}, error=r"fft_size is 15, .* e\.g\. 16"),
        Case("too short", [noise], {"pad_end": False}, error="n_samples is 50, must be at least"),
        Case("above Nyquist", [noise], small | {"sample_rate": 8000}, error="at most half .* 4000"),
        Case("no band", [noise], small | {"n_mels": 0}, error="n_mels is 0, must be a whole"),
    ]  # fmt: skip


compute_mel = Op(
    "compute_mel",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames,n_mels)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_mel",
)
