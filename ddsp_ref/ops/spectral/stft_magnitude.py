"""Magnitudes of the short-time Fourier transform."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit
from ddsp_ref.op import Case, Op

from ._frames import check_stft, stft_frames, visit_spectra


def define(audio, *, fft_size=2048, overlap=0.75, pad_end=True, frame_size=None, xp=np):
    """Take the magnitudes of the spectra of overlapping frames.

    ``y[m, k] = |sum_n w[n] audio[m hop + n] exp(-2 pi i k n / fft_size)|``, where w is the
    periodic Hann window and ``hop = fft_size (1 - overlap)``. Nothing is scaled: a sine of
    amplitude 1 at the middle of a bin gives fft_size / 4. Shorter frames, of frame_size samples,
    have zeros after them; then window and hop are of that size.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Signal.
    fft_size : int
        Size of the transform, even.
    overlap : float
        Part of a frame that it shares with the next, in [0, 1); the hop is rounded down to
        whole samples.
    pad_end : bool
        If True, as many frames as begin within the signal, with zeros after its end; if
        False, only frames that lie within the signal.
    frame_size : int or None
        Samples in a frame, from 2 to fft_size; None: fft_size.

    Returns
    -------
    array, shape (..., n_frames, n_bins)
        Magnitudes, with n_bins = fft_size / 2 + 1.

    Raises
    ------
    ParameterError
        If fft_size is odd or less than frame_size, overlap is out of range, or no frame lies
        within the signal.

    Notes
    -----
    Gradient: ``X / |X|`` for the real and the imaginary part of a bin X; 0 where X is 0.
    Precision: float32 transforms of float32 audio; an error is a small part of the largest
    bin of its frame, so bins far below that one have fewer valid digits.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_mag.
    Differences: the original transforms frames whose size is no power of two with zeros up to
    the next one; that is ``frame_size=100, fft_size=128`` here. Its windows of an odd size are
    symmetric, and so are these. It loses a sample of the hop where ``1 - overlap`` is rounded
    below its exact value; here it is not lost.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> sine = np.sin(2 * np.pi * np.arange(16) / 4)
    >>> ddsp_ref.stft_magnitude(sine, fft_size=8, pad_end=False)[0].round(3)
    array([0., 1., 2., 1., 0.])
    """
    size = fft_size if frame_size is None else frame_size
    hop = math.floor(size * (1 - overlap) + 1e-6)
    n_samples = audio.shape[-1]
    n_frames = -(-n_samples // hop) if pad_end else 1 + (n_samples - size) // hop
    place = hop * np.arange(n_frames)[:, None] + np.arange(size)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / (size - size % 2))
    frames = window * xp.concatenate([audio, np.zeros(size)])[place]

    cycles = np.outer(np.arange(size), np.arange(fft_size // 2 + 1)) % fft_size
    angle = 2 * np.pi * cycles / fft_size
    power = xp.dot(frames, np.cos(angle)) ** 2 + xp.dot(frames, np.sin(angle)) ** 2
    return xp.where(power > 0, xp.sqrt(xp.where(power > 0, power, 1.0)), 0.0)


@njit
def _magnitudes(spectra, y):
    # Squares in double precision: those of float32 would vanish below 1e-19.
    for f in range(y.shape[0]):
        row, y_row = spectra[f], y[f]
        for k in range(y.shape[1]):
            real, imag = np.float64(row[2 * k]), np.float64(row[2 * k + 1])
            y_row[k] = math.sqrt(real * real + imag * imag)


@njit
def _magnitudes_vjp(spectra, y_bar):
    for f in range(y_bar.shape[0]):
        row, bar = spectra[f], y_bar[f]
        for k in range(y_bar.shape[1]):
            real, imag = np.float64(row[2 * k]), np.float64(row[2 * k + 1])
            size = math.sqrt(real * real + imag * imag)
            slope = bar[k] / size if size > 0 else 0.0
            row[2 * k], row[2 * k + 1] = slope * real, slope * imag


def vjp(audio, *, fft_size=2048, overlap=0.75, pad_end=True, frame_size=None):
    size = fft_size if frame_size is None else frame_size
    hop, n_frames = stft_frames(audio.shape[1], size, overlap, pad_end)
    grid = (size, hop, 0, n_frames)
    y = np.empty((len(audio), n_frames, fft_size // 2 + 1), audio.dtype)

    def keep(b, first, last, spectra):
        _magnitudes(spectra.view(audio.dtype), y[b, first:last])

    visit_spectra(audio, *grid, keep, fft_size=fft_size)

    def pullback(y_bar):
        # The spectra are computed again: they would take twice the memory of the result.
        def differentiate(b, first, last, spectra):
            _magnitudes_vjp(spectra.view(audio.dtype), y_bar[b, first:last])

        audio_bar = np.zeros(audio.shape, audio.dtype)
        visit_spectra(audio, *grid, differentiate, audio_bar, fft_size)
        return (audio_bar,)

    return y, pullback


def check(dims, *, fft_size=2048, overlap=0.75, pad_end=True, frame_size=None):
    size = fft_size if frame_size is None else frame_size
    check_stft(dims["n_samples"], size, fft_size, overlap, pad_end)


def cases():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(50)
    gap = np.concatenate([noise[:9], np.zeros(20), noise[:5]])
    root = math.sqrt(2)
    return [
        # the window is 0, 1/2, 1, 1/2, so the frame is 0, 1, 3, 4:
        # its sum, (0 - 3) + i (4 - 1), and its alternating sum
        Case(
            "by hand",
            [np.array([1.0, 2.0, 3.0, 8.0])],
            {"fft_size": 4, "overlap": 0.0},
            np.array([[8.0, 3 * root, 2.0]]),
        ),
        # frames 0, 1, 3, 4 and (samples 3, 8, 0, 0 windowed) 0, 4, 0, 0
        Case(
            "by hand, padded",
            [np.array([1.0, 2.0, 3.0, 8.0])],
            {"fft_size": 4, "overlap": 0.5},
            np.array([[8.0, 3 * root, 2.0], [4.0, 4.0, 4.0]]),
        ),
        Case("typical", [noise], {"fft_size": 16}),
        Case("batch", [noise.reshape(2, 25)], {"fft_size": 8, "overlap": 0.5}),
        Case("no padding", [noise], {"fft_size": 16, "pad_end": False}),
        Case("not a power of two", [noise], {"fft_size": 10, "overlap": 0.8}),
        Case("shorter frames", [noise], {"fft_size": 16, "frame_size": 10, "overlap": 0.5}),
        Case("odd frames", [noise], {"fft_size": 16, "frame_size": 11, "pad_end": False}),
        Case("fft larger than audio", [noise[:10]], {"fft_size": 32}),
        Case("silence between", [gap], {"fft_size": 8}, grad=False),
        # the window begins with 0, so a single sample is not heard
        Case("one sample", [np.array([0.5])], {"fft_size": 8}, np.zeros((1, 5)), grad=False),
        Case("odd size", [noise], {"fft_size": 15}, error=r"fft_size is 15, .* e\.g\. 16"),
        Case("size no int", [noise], {"fft_size": 16.0}, error="must be a whole number"),
        Case("overlap 1", [noise], {"fft_size": 16, "overlap": 1.0}, error="at most 0.9375"),
        Case("frame size", [noise], {"fft_size": 16, "frame_size": 17}, error="is 17, .* to the"),
        Case("too short", [noise], {"pad_end": False}, error="n_samples is 50, must be at least"),
    ]


stft_magnitude = Op(
    "stft_magnitude",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames,n_bins)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_mag",
)
