"""Loudness as magenta/ddsp measured it before version 2.0: the mean of levels in dB."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

from ._frames import check_fft_size, check_framing, check_rates, framing, hop_size, visit_spectra
from ._power import check_range
from ._tables import a_weighting_db


def define(
    audio,
    *,
    sample_rate=16000,
    frame_rate=250,
    fft_size=2048,
    range_db=120.0,
    ref_db=20.7,
    padding="same",
    xp=np,
):
    """Measure the perceived loudness of frames as the mean of the levels of their bins.

    ``y[m] = mean_k max(20 log10 |X[m, k]| + A(f_k) - ref_db, -range_db)`` over the bins k of the
    Hann-windowed spectrum X of frame m, and A is the A-weighting in dB.

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
        Dynamic range in dB, from 0 to 1000: no bin is lower than -range_db.
    ref_db : float
        Level that is called 0 dB, from -1000 to 1000. 20.7 makes white noise of amplitude 1
        about 0 dB with the default settings.
    padding : {"center", "same", "valid"}
        "same": frame m begins at sample m * hop, ceil(n_samples / hop) frames. "center": it has
        its middle there, n_samples // hop + 1 frames. "valid": only frames that lie within the
        signal, (n_samples - fft_size) // hop + 1.

    Returns
    -------
    array, shape (..., n_frames)
        Loudness in dB. Tones are next to silence in this definition, because most of their bins
        are empty: a sine of amplitude 1 at 1 kHz has -119.6 dB.

    Raises
    ------
    ParameterError
        If the rates do not divide, fft_size is odd, the frames leave samples out or do not fit,
        or range_db or ref_db is out of range.

    Notes
    -----
    Gradient: that of the formula; 0 for bins at the floor, so also on silence.
    Precision: all float64, whatever the input. A mean of logarithms hears the rounding errors of
    a float32 transform, in pure tones 0.02 dB of them.
    Source: magenta/ddsp 1.0 to 1.6, ddsp/spectral_ops.py, compute_loudness. Models trained on
    features of that time expect it; `compute_loudness` is the definition since 2.0.
    Differences: the original drops the last frame where the signal is no whole number of hops
    (`pad_or_trim` does). It transforms in float32.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> noise = np.random.default_rng(0).uniform(-1, 1, 8000)
    >>> ddsp_ref.compute_loudness_magenta_v1(noise)[:3].round(1)
    array([0.4, 0.4, 0.5])
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
    heard = xp.where(power > 0, power, 1e-300)
    weight = a_weighting_db(bins * sample_rate / fft_size)
    return xp.mean(xp.maximum(10.0 * xp.log10(heard) + weight - ref_db, -range_db), axis=-1)


def vjp(
    audio,
    *,
    sample_rate=16000,
    frame_rate=250,
    fft_size=2048,
    range_db=120.0,
    ref_db=20.7,
    padding="same",
):
    hop = hop_size(sample_rate, frame_rate)
    n_frames, start = framing(audio.shape[1], fft_size, hop, padding)
    bins = np.arange(fft_size // 2 + 1)
    gains = a_weighting_db(bins * (sample_rate / fft_size)) - ref_db
    # below this power a bin is at the floor
    floor = 10.0 ** ((-range_db - gains) / 10.0)
    wide = audio.astype(np.float64)
    grid = (fft_size, hop, start, n_frames)
    y = np.empty((len(audio), n_frames), audio.dtype)

    def measure(b, first, last, spectra):
        power = spectra.real**2 + spectra.imag**2
        levels = np.log10(np.maximum(power, floor, out=power), out=power)
        y[b, first:last] = 10.0 * levels.mean(axis=1) + gains.mean()

    visit_spectra(wide, *grid, measure)

    def pullback(y_bar):
        scale = 20.0 / math.log(10.0) / len(bins) * y_bar.astype(np.float64)

        # The spectra are computed again: they would take many times the memory of the audio.
        def differentiate(b, first, last, spectra):
            power = spectra.real**2 + spectra.imag**2
            slope = np.divide(scale[b, first:last, None], power, where=power > floor,
                              out=np.zeros_like(power))  # fmt: skip
            spectra *= slope

        audio_bar = np.zeros(audio.shape)
        visit_spectra(wide, *grid, differentiate, audio_bar)
        return (audio_bar,)

    return y, pullback


def check(
    dims,
    *,
    sample_rate=16000,
    frame_rate=250,
    fft_size=2048,
    range_db=120.0,
    ref_db=20.7,
    padding="same",
):
    check_fft_size(fft_size)
    check_range(range_db, ref_db)
    for name, value in (("range_db", range_db), ("ref_db", ref_db)):
        require(abs(value) <= 1000, f"{name} is {value}, must be at most 1000, e.g. 120")
    check_rates(sample_rate, frame_rate)
    check_framing(dims["n_samples"], fft_size, hop_size(sample_rate, frame_rate), padding)


def cases():
    noise = np.random.default_rng(0).standard_normal(50)
    gap = np.concatenate([noise[:9], np.zeros(20), 1e-7 * noise[:5]])
    small = {"sample_rate": 16000, "frame_rate": 4000, "fft_size": 16}
    # The window is 0, 1: the frame is its second sample, and |X| is that at both bins, 0 Hz
    # (where the weight is the floor, -80 dB) and 1 kHz (where it is this, 0 dB but for 1e-4).
    two_bins = {"sample_rate": 2000, "frame_rate": 1000, "fft_size": 2, "padding": "valid",
                "ref_db": 0.0, "range_db": 70.0}  # fmt: skip
    gain = 12194.217**2 * 1e12 / (1e6 + 20.598997**2) / (1e6 + 12194.217**2)
    gain /= math.sqrt((1e6 + 107.65265**2) * (1e6 + 737.86223**2))
    at_1_khz = 2.0 + 20.0 * math.log10(gain)
    return [
        # -60 and 20 dB; -80 dB, clamped, and 0 dB; both clamped
        Case("by hand", [np.array([5.0, 10.0, 7.0, 1.0, 1.0, 1e-6])], two_bins,
             np.array([(-60 + 20 + at_1_khz) / 2, (-70 + at_1_khz) / 2, -70.0])),
        Case("typical", [noise], small),
        Case("center", [noise.reshape(2, 25)], small | {"padding": "center"}),
        Case("valid", [noise], small | {"padding": "valid", "range_db": 60.0}),
        Case("silence between", [gap], small, grad=False),
        Case("silence", [np.zeros(9)], small, np.full(3, -120.0)),
        Case("not a power of two", [noise], small | {"fft_size": 10}),
        Case("one sample", [np.array([0.5])], small, np.array([-120.0])),
        Case("rates", [noise], {"sample_rate": 44100}, error="44100; frame_rate=252 .* 44000 Hz"),
        Case("odd size", [noise], {"fft_size": 511}, error=r"fft_size is 511, .* e\.g\. 512"),
        Case("size", [noise], {"fft_size": 32}, error="size is 32, must be at least the 64"),
        Case("range", [noise], {"range_db": 0.0}, error="range_db is 0.0, must be positive"),
        Case("wide range", [noise], {"range_db": 2e3}, error="range_db is 2000.0, must be at most"),
        Case("reference", [noise], {"ref_db": -2e3}, error="ref_db is -2000.0, must be at most"),
        Case("padding", [noise], {"padding": None}, error="padding is None, must be 'center'"),
        Case("too short", [noise], {"padding": "valid"}, error="n_samples is 50, must be at least"),
    ]  # fmt: skip


compute_loudness_magenta_v1 = Op(
    "compute_loudness_magenta_v1",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames)",
    source="magenta/ddsp 1.6, ddsp/spectral_ops.py, compute_loudness",
)
