"""The short-time Fourier transform."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op

from ._frames import check_stft, gather_spectra, stft_frames, visit_spectra


def define(audio, *, frame_size=2048, overlap=0.75, pad_end=True, fft_size=None, xp=np):
    """Take the spectra of overlapping frames, as real and imaginary parts.

    ``real[m, k] + i imag[m, k] = sum_n w[n] audio[m hop + n] exp(-2 pi i k n / fft_size)`` over
    n < frame_size, where w is the Hann window and ``hop = frame_size (1 - overlap)``. Nothing is
    scaled.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Signal.
    frame_size : int
        Samples in a frame, at least 2. The window is periodic, or symmetric if this is odd.
    overlap : float
        Part of a frame that it shares with the next, in [0, 1); the hop is rounded down to
        whole samples.
    pad_end : bool
        If True, as many frames as begin within the signal, with zeros after its end; if
        False, only frames that lie within the signal.
    fft_size : int or None
        Size of the transform, even and at least frame_size: zeros stand after each frame. None:
        the smallest power of two that is not less than frame_size.

    Returns
    -------
    real : array, shape (..., n_frames, n_bins)
        Real parts, with n_bins = fft_size / 2 + 1.
    imag : array, shape (..., n_frames, n_bins)
        Imaginary parts, 0 in the first and the last bin.

    Raises
    ------
    ParameterError
        If fft_size is odd or less than frame_size, overlap is out of range, or no frame lies
        within the signal.

    Notes
    -----
    Gradient: linear in the audio; the pullback transforms back, and windows and adds up the
    frames. With a cotangent ``G = real_bar + i imag_bar`` it is the gradient of
    ``Re sum(Y conj(G))``.
    Precision: float32 transforms of float32 audio; an error is a small part of the largest
    bin of its frame.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, stft (tf.signal.stft) and stft_np (librosa).
    Differences: the original loses a sample of the hop where ``1 - overlap`` is rounded below
    its exact value; here it is not lost. Its NumPy variant has no zeros after frames: that is
    ``fft_size=frame_size`` here.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> cosine = np.cos(2 * np.pi * np.arange(8) / 4)
    >>> real, imag = ddsp_ref.stft(cosine, frame_size=8, pad_end=False)
    >>> real.round(3) + 0.0
    array([[ 0., -1.,  2., -1.,  0.]])
    """
    if fft_size is None:
        fft_size = 2 ** math.ceil(math.log2(frame_size))
    hop = math.floor(frame_size * (1 - overlap) + 1e-6)
    n_samples = audio.shape[-1]
    n_frames = -(-n_samples // hop) if pad_end else 1 + (n_samples - frame_size) // hop
    place = hop * np.arange(n_frames)[:, None] + np.arange(frame_size)
    period = frame_size - frame_size % 2
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame_size) / period)
    frames = window * xp.concatenate([audio, np.zeros(frame_size)])[place]

    cycles = np.outer(np.arange(frame_size), np.arange(fft_size // 2 + 1)) % fft_size
    angle = 2 * np.pi * cycles / fft_size
    return xp.dot(frames, np.cos(angle)), -xp.dot(frames, np.sin(angle))


def _enclosing(frame_size):
    """Return the smallest power of two that is not less."""
    return 1 << (frame_size - 1).bit_length()


def vjp(audio, *, frame_size=2048, overlap=0.75, pad_end=True, fft_size=None):
    n_fft = _enclosing(frame_size) if fft_size is None else fft_size
    hop, n_frames = stft_frames(audio.shape[1], frame_size, overlap, pad_end)
    shape = (len(audio), n_frames, n_fft // 2 + 1)
    real, imag = np.empty(shape, audio.dtype), np.empty(shape, audio.dtype)

    def keep(b, first, last, spectra):
        real[b, first:last] = spectra.real
        imag[b, first:last] = spectra.imag

    visit_spectra(audio, frame_size, hop, 0, n_frames, keep, fft_size=n_fft)

    def pullback(bars):
        real_bar, imag_bar = bars

        def together(b, first, last):
            spectra = np.empty((last - first, shape[2]), np.result_type(audio, np.complex64))
            spectra.real = real_bar[b, first:last]
            spectra.imag = imag_bar[b, first:last]
            return spectra

        audio_bar = np.zeros(audio.shape, audio.dtype)
        gather_spectra(together, frame_size, hop, n_frames, n_fft, audio_bar)
        return (audio_bar,)

    return (real, imag), pullback


def check(dims, *, frame_size=2048, overlap=0.75, pad_end=True, fft_size=None):
    n_fft = fft_size
    if fft_size is None:  # a frame_size that is no size is left to the check
        n_fft = _enclosing(int(frame_size)) if frame_size >= 2 else 2048
    check_stft(dims["n_samples"], frame_size, n_fft, overlap, pad_end)


def cases():
    noise = np.random.default_rng(0).standard_normal(50)
    four = np.array([1.0, 2.0, 3.0, 8.0])
    return [
        # the window is 0, 1/2, 1, 1/2, so the frame is 0, 1, 3, 4:
        # its sum, (0 - 3) - i (1 - 4), and its alternating sum
        Case("by hand", [four], {"frame_size": 4, "overlap": 0.0},
             (np.array([[8.0, -3.0, -2.0]]), np.array([[0.0, 3.0, 0.0]]))),
        # the window is 0, 1, 0: the second sample, and a quarter turn back from bin to bin
        Case("by hand, odd", [four], {"frame_size": 3, "overlap": 0.0, "pad_end": False},
             (np.array([[2.0, 0.0, -2.0]]), np.array([[0.0, -2.0, 0.0]]))),
        Case("typical", [noise], {"frame_size": 16}),
        Case("batch", [noise.reshape(2, 25)], {"frame_size": 8, "overlap": 0.5}),
        Case("no padding", [noise], {"frame_size": 16, "pad_end": False}),
        Case("next power of two", [noise], {"frame_size": 10, "overlap": 0.5}),
        Case("no power of two", [noise], {"frame_size": 10, "fft_size": 10, "overlap": 0.8}),
        Case("odd frames", [noise], {"frame_size": 15, "overlap": 0.6}),
        Case("frame larger than audio", [noise[:10]], {"frame_size": 32}),
        Case("silence", [np.zeros(9)], {"frame_size": 8}, (np.zeros((5, 5)), np.zeros((5, 5)))),
        # the window begins with 0, so a single sample is not heard
        Case("one sample", [np.array([0.5])], {"frame_size": 8},
             (np.zeros((1, 5)), np.zeros((1, 5)))),
        Case("frame too small", [noise], {"frame_size": 1}, error="frame_size is 1, must be a w"),
        Case("frame no int", [noise], {"frame_size": 16.0}, error="frame_size is 16.0, must be a"),
        Case("fft smaller", [noise], {"frame_size": 16, "fft_size": 8}, error="from 2 to the fft"),
        Case("odd fft", [noise], {"frame_size": 16, "fft_size": 17}, error=r"17, .* e\.g\. 18"),
        Case("overlap 1", [noise], {"frame_size": 16, "overlap": 1.0}, error="at most 0.9375"),
        Case("overlap below 0", [noise], {"frame_size": 16, "overlap": -0.5}, error="is -0.5, mu"),
        Case("too short", [noise], {"pad_end": False}, error="n_samples is 50, must be at least"),
    ]  # fmt: skip


stft = Op(
    "stft",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames,n_bins),(n_frames,n_bins)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, stft",
)
