"""Loudness of a signal: A-weighted power of short-time spectra in dB."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed
from ddsp_ref.op import Case, Op

from ._frames import check_fft_size, check_framing, check_rates, framing, hop_size, visit_spectra
from ._power import check_range, decibels
from ._tables import a_weighting_db


def define(
    audio,
    *,
    sample_rate=16000,
    frame_rate=250,
    fft_size=512,
    range_db=80.0,
    ref_db=0.0,
    padding="center",
    xp=np,
):
    """Measure the perceived loudness of overlapping frames in dB.

    ``y[m] = max(10 log10(max(p[m], 10^(-range_db / 10))) - ref_db, -range_db)``, where
    ``p[m] = mean_k 10^(A(f_k) / 10) |X[m, k]|^2`` over the bins k of the Hann-windowed
    spectrum X of frame m, and A is the A-weighting in dB.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Signal.
    sample_rate : int
        Samples per second.
    frame_rate : int
        Frames per second; it divides the sample rate.
    fft_size : int
        Samples in a frame and size of the transform, even.
    range_db : float
        Dynamic range in dB, positive: nothing is lower than -range_db.
    ref_db : float
        Level that is called 0 dB, itself in dB.
    padding : {"center", "same", "valid"}
        "center": frame m has its middle at sample m * hop, n_samples // hop + 1 frames.
        "same": it begins there, ceil(n_samples / hop) frames. "valid": only frames that lie
        within the signal, (n_samples - fft_size) // hop + 1.

    Returns
    -------
    array, shape (..., n_frames)
        Loudness in dB. The spectra are not scaled, so a sine of amplitude 1 at 1 kHz has about
        19.8 dB with the default settings.

    Raises
    ------
    ParameterError
        If the rates do not divide, fft_size is odd, the frames leave samples out or do not fit,
        or the range is not positive.

    Notes
    -----
    Gradient: that of the formula; 0 for frames at the floor, so also on silence.
    Precision: the transform has the precision of the audio, everything after it is float64.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_loudness; the A-weighting is that
    of librosa, IEC 61672-1:2013, not below -80 dB.
    Differences: none for rates that divide and sizes that are powers of two. Other sizes fail
    in the original when it runs on TensorFlow; here they give the result of its NumPy path.
    Where the rates do not divide, the original rounds the hop down, and frames drift away
    from their times. As there, the power is clamped before the reference is taken off and
    the level after. Other definitions are `compute_loudness_magenta_v1`, from before 2.0, and
    `compute_loudness_ddsp_pytorch`; a model expects the one that it was trained with.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> sine = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    >>> ddsp_ref.compute_loudness(sine)[100:103].round(2)
    array([19.81, 19.81, 19.81])
    """
    hop = round(sample_rate / frame_rate)
    n_samples = audio.shape[-1]
    before = fft_size // 2 if padding == "center" else 0
    if padding == "same":
        n_frames = -(-n_samples // hop)
    else:
        n_frames = 1 + (n_samples + 2 * before - fft_size) // hop
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(fft_size) / fft_size)
    padded = xp.concatenate([np.zeros(before), audio, np.zeros(fft_size)])
    frames = window * padded[hop * np.arange(n_frames)[:, None] + np.arange(fft_size)]

    bins = np.arange(fft_size // 2 + 1)
    angle = 2 * np.pi * (np.outer(np.arange(fft_size), bins) % fft_size) / fft_size
    power = xp.dot(frames, np.cos(angle)) ** 2 + xp.dot(frames, np.sin(angle)) ** 2
    weight = 10.0 ** (a_weighting_db(bins * sample_rate / fft_size) / 10.0)
    power = xp.maximum(xp.mean(weight * power, axis=-1), 10.0 ** (-range_db / 10.0))
    return xp.maximum(10.0 * xp.log10(power) - ref_db, -range_db)


@njit_relaxed
def _weighted_power(spectra, weights, power):
    for f in range(power.size):
        row = spectra[f]
        total = 0.0
        for k in range(weights.size):
            real, imag = np.float64(row[2 * k]), np.float64(row[2 * k + 1])
            total += weights[k] * (real * real + imag * imag)
        power[f] = total


@njit
def _weighted_power_vjp(spectra, weights, power_bar):
    for f in range(power_bar.size):
        row = spectra[f]
        for k in range(weights.size):
            slope = 2.0 * power_bar[f] * weights[k]
            row[2 * k] *= slope
            row[2 * k + 1] *= slope


def vjp(
    audio,
    *,
    sample_rate=16000,
    frame_rate=250,
    fft_size=512,
    range_db=80.0,
    ref_db=0.0,
    padding="center",
):
    hop = hop_size(sample_rate, frame_rate)
    n_frames, start = framing(audio.shape[1], fft_size, hop, padding)
    frequencies = np.arange(fft_size // 2 + 1) * (sample_rate / fft_size)
    weights = 10.0 ** (a_weighting_db(frequencies) / 10.0) / len(frequencies)
    power = np.empty((len(audio), n_frames))

    def measure(b, first, last, spectra):
        _weighted_power(spectra.view(audio.dtype), weights, power[b, first:last])

    visit_spectra(audio, fft_size, hop, start, n_frames, measure)
    level, slope = decibels(power, range_db, ref_db)

    def pullback(y_bar):
        power_bar = y_bar * slope

        # The spectra are computed again: they would take many times the memory of the audio.
        def differentiate(b, first, last, spectra):
            _weighted_power_vjp(spectra.view(audio.dtype), weights, power_bar[b, first:last])

        audio_bar = np.zeros(audio.shape, audio.dtype)
        visit_spectra(audio, fft_size, hop, start, n_frames, differentiate, audio_bar)
        return (audio_bar,)

    return level.astype(audio.dtype), pullback


def check(
    dims,
    *,
    sample_rate=16000,
    frame_rate=250,
    fft_size=512,
    range_db=80.0,
    ref_db=0.0,
    padding="center",
):
    check_fft_size(fft_size)
    check_range(range_db, ref_db)
    check_rates(sample_rate, frame_rate)
    check_framing(dims["n_samples"], fft_size, hop_size(sample_rate, frame_rate), padding)


def cases():
    noise = np.random.default_rng(0).standard_normal(50)
    gap = np.concatenate([noise[:9], np.zeros(20), 1e-7 * noise[:5]])
    small = {"sample_rate": 16000, "frame_rate": 4000, "fft_size": 16}
    # The window is 0, 1: the frame is its second sample, and |X| is that at both bins, 0 Hz
    # (where the weight is the floor, -80 dB) and 1 kHz (where it is this, 0 dB but for 1e-4).
    two_bins = {"sample_rate": 2000, "frame_rate": 1000, "fft_size": 2, "padding": "valid"}
    gain = 12194.217**2 * 1e12 / (1e6 + 20.598997**2) / (1e6 + 12194.217**2)
    gain /= math.sqrt((1e6 + 107.65265**2) * (1e6 + 737.86223**2))
    mean_weight = (1e-8 + 10**0.2 * gain**2) / 2
    return [
        Case(
            "by hand",
            [np.array([5.0, 10.0, 7.0, 0.1, 1.0, 1e-6])],
            two_bins,
            np.array([20.0, -20.0, -80.0])
            + np.array([10 * math.log10(mean_weight), 10 * math.log10(mean_weight), 0]),
        ),
        Case("typical", [noise], small),
        Case("same", [noise.reshape(2, 25)], small | {"padding": "same"}),
        Case("valid", [noise], small | {"padding": "valid"}),
        Case("reference", [noise], small | {"ref_db": 20.7, "range_db": 120.0}),
        Case("silence between", [gap], small),
        Case("not a power of two", [noise], small | {"fft_size": 10}),
        Case("one sample", [np.array([0.5])], small),
        Case("fft larger than audio", [noise[:6]], small | {"fft_size": 32}),
        Case("rates", [noise], {"sample_rate": 44100}, error="44100; frame_rate=252 .* 44000 Hz"),
        Case("odd size", [noise], {"fft_size": 511}, error=r"fft_size is 511, .* e\.g\. 512"),
        Case("size", [noise], {"fft_size": 32}, error="size is 32, must be at least the 64"),
        Case("range", [noise], {"range_db": -80.0}, error="range_db is -80.0, must be positive"),
        Case("padding", [noise], {"padding": None}, error="padding is None, must be 'center'"),
        Case("too short", [noise], {"padding": "valid"}, error="n_samples is 50, must be at least"),
    ]


compute_loudness = Op(
    "compute_loudness",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_loudness",
)
