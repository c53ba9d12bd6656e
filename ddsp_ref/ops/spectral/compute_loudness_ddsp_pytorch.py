"""Loudness as acids-ircam/ddsp_pytorch measures it: the mean of natural logarithms and dB."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

from . import pad_frames
from ._frames import check_fft_size, check_rates, hop_size, visit_spectra
from ._tables import a_weighting_db


def define(
    audio, *, sample_rate=16000, frame_rate=100, fft_size=2048, pad_mode="reflect", xp=np
):  # fmt: skip
    """Measure the perceived loudness of frames as ddsp_pytorch does.

    ``y[m] = mean_k (ln(|X[m, k]| + 1e-7) + A(f_k))`` over the bins k of the Hann-windowed spectrum
    X of frame m, and A is the A-weighting in dB: the two are added although their units differ.
    Frame m has its middle at sample m * hop.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Signal.
    sample_rate : int
        Samples per second.
    frame_rate : int
        Frames per second; it divides the sample rate. The original says hop samples, its
        block_size.
    fft_size : int
        Samples in a frame and size of the transform, even.
    pad_mode : {"reflect", "constant"}
        What the frames at the ends see beyond the signal: its mirror image, as with librosa before
        0.9, or zeros, as with librosa since 0.9.

    Returns
    -------
    array, shape (..., n_frames)
        Loudness without a unit, with n_frames = n_samples // hop.

    Raises
    ------
    ParameterError
        If the rates do not divide, fft_size is odd, the frames leave samples out, the signal is
        shorter than a hop, or, with "reflect", it is not longer than half a frame.

    Notes
    -----
    Gradient: ``X / (|X| (|X| + 1e-7))`` for the real and the imaginary part of a bin X; 0 where X
    is 0.
    Precision: all float64, whatever the input. A mean of logarithms hears the rounding errors of
    a float32 transform: they fill the empty bins of a 1 kHz sine and move it from -16.65 to -14.55.
    Source: acids-ircam/ddsp_pytorch, ddsp/core.py, extract_loudness (librosa.stft and
    librosa.A_weighting).
    Differences: librosa rounds the spectra of float32 audio to float32, which moves a sine of 1 kHz
    by 0.025. Models of ddsp_pytorch were trained on this loudness minus the mean of their data
    set, divided by its deviation; that is not part of the feature.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.compute_loudness_ddsp_pytorch(np.zeros(4000)).round(2)[:3]
    array([-16.71, -16.71, -16.71])
    """
    hop = round(sample_rate / frame_rate)
    n_samples, half = audio.shape[-1], fft_size // 2
    place = np.abs(np.arange(-half, n_samples + half))
    place = np.where(place >= n_samples, 2 * n_samples - 2 - place, place)
    if pad_mode == "constant":
        padded = xp.concatenate([np.zeros(half), audio, np.zeros(half)])
    else:
        padded = audio[place]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(fft_size) / fft_size)
    frames = window * padded[hop * np.arange(n_samples // hop)[:, None] + np.arange(fft_size)]

    bins = np.arange(half + 1)
    angle = 2 * np.pi * (np.outer(np.arange(fft_size), bins) % fft_size) / fft_size
    power = xp.dot(frames, np.cos(angle)) ** 2 + xp.dot(frames, np.sin(angle)) ** 2
    magnitude = xp.where(power > 0, xp.sqrt(xp.where(power > 0, power, 1.0)), 0.0)
    weight = a_weighting_db(bins * sample_rate / fft_size)
    return xp.mean(xp.log(magnitude + 1e-7) + weight, axis=-1)


def vjp(audio, *, sample_rate=16000, frame_rate=100, fft_size=2048, pad_mode="reflect"):
    hop = hop_size(sample_rate, frame_rate)
    bins = np.arange(fft_size // 2 + 1)
    mean_weight = a_weighting_db(bins * (sample_rate / fft_size)).mean()
    wide, pull_padding = pad_frames.vjp(
        audio.astype(np.float64), frame_size=fft_size, hop_size=hop, mode=pad_mode
    )
    grid = (fft_size, hop, 0, audio.shape[1] // hop)
    y = np.empty((len(audio), audio.shape[1] // hop), audio.dtype)

    def measure(b, first, last, spectra):
        magnitudes = np.abs(spectra)
        magnitudes += 1e-7
        y[b, first:last] = np.log(magnitudes, out=magnitudes).mean(axis=1) + mean_weight

    visit_spectra(wide, *grid, measure)

    def pullback(y_bar):
        scale = y_bar.astype(np.float64) / len(bins)

        # The spectra are computed again: they would take many times the memory of the audio.
        def differentiate(b, first, last, spectra):
            magnitudes = np.abs(spectra)
            there = magnitudes > 0
            slope = np.divide(1.0, magnitudes, where=there, out=np.zeros_like(magnitudes))
            slope /= magnitudes + 1e-7
            spectra *= scale[b, first:last, None] * slope

        wide_bar = np.zeros(wide.shape)
        visit_spectra(wide, *grid, differentiate, wide_bar)
        return pull_padding(wide_bar)

    return y, pullback


def check(dims, *, sample_rate=16000, frame_rate=100, fft_size=2048, pad_mode="reflect"):
    check_fft_size(fft_size)
    check_rates(sample_rate, frame_rate)
    require(
        pad_mode in ("reflect", "constant"),
        f"pad_mode is {pad_mode!r}, must be 'reflect' or 'constant'",
    )
    hop, n_samples = hop_size(sample_rate, frame_rate), dims["n_samples"]
    pad_frames.check(dims, frame_size=fft_size, hop_size=hop, mode=pad_mode)
    require(n_samples >= hop, f"n_samples is {n_samples}, must be at least one hop, {hop}")


def cases():
    noise = np.random.default_rng(0).standard_normal(50)
    gap = np.concatenate([noise[:9], np.zeros(30), noise[:9]])
    small = {"sample_rate": 16000, "frame_rate": 4000, "fft_size": 16}
    # The window is 0, 1: the frame is the sample in its middle, and |X| is that at both bins, 0 Hz
    # (where the weight is the floor, -80 dB) and 1 kHz (where it is this, 0 dB but for 1e-4).
    two_bins = {"sample_rate": 2000, "frame_rate": 1000, "fft_size": 2}
    gain = 12194.217**2 * 1e12 / (1e6 + 20.598997**2) / (1e6 + 12194.217**2)
    gain /= np.sqrt((1e6 + 107.65265**2) * (1e6 + 737.86223**2))
    mean_weight = (-80.0 + 2.0 + 20.0 * np.log10(gain)) / 2
    return [
        Case("by hand", [np.array([np.e - 1e-7, 5.0, 1 - 1e-7, 7.0, 0.0])], two_bins,
             np.array([1.0, 0.0]) + mean_weight),
        Case("typical", [noise], small),
        Case("zeros", [noise.reshape(2, 25)], small | {"pad_mode": "constant"}),
        Case("silence between", [gap], small, grad=False),
        Case("not a power of two", [noise], small | {"fft_size": 10}),
        Case("shorter than a frame", [noise[:7]], small | {"pad_mode": "constant"}),
        Case("rates", [noise], {"sample_rate": 44100, "frame_rate": 250}, error="frame_rate=252"),
        Case("odd size", [noise], {"fft_size": 511}, error=r"fft_size is 511, .* e\.g\. 512"),
        Case("size", [noise], {"fft_size": 32}, error="size is 32, must be at least the 160"),
        Case("mode", [noise], {"pad_mode": "edge"}, error="pad_mode is 'edge', must be 'reflect'"),
        Case("too short", [noise[:8]], small, error="n_samples is 8, mirrored it gives 7 .* 8"),
        Case("no frame", [noise[:3]], small | {"pad_mode": "constant"}, error="least one hop, 4"),
    ]  # fmt: skip


compute_loudness_ddsp_pytorch = Op(
    "compute_loudness_ddsp_pytorch",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames)",
    source="acids-ircam/ddsp_pytorch, ddsp/core.py, extract_loudness",
)
