"""What the short-time ops share: the rules for frames, cutting them, adding them up."""

from __future__ import annotations

import math

import numpy as np
import scipy.fft

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, ranges, run_parts

from ._tables import hann_window

# Samples in the frames of one part of the work: their spectra stay in the cache of a core.
_PART = 1 << 16
_LONGEST_HOP = 1 << 31


def check_fft_size(fft_size):
    """Raise unless a transform of that size has both a bin at 0 and one at Nyquist."""
    require(
        fft_size >= 2 and fft_size % 2 == 0,
        f"fft_size is {fft_size}, must be even and at least 2, e.g. {max(fft_size + 1, 2)}",
    )


def check_stft(n_samples, frame_size, fft_size, overlap, pad_end):
    """Raise unless there are frames, and the transform takes in whole ones."""
    check_fft_size(fft_size)
    require(
        2 <= frame_size <= fft_size,
        f"frame_size is {frame_size}, must be a whole number from 2 to the fft_size, {fft_size}",
    )
    require(
        0 <= overlap <= 1 - 1 / frame_size,
        f"overlap is {overlap}, must be at least 0 and leave a hop of at least one sample, "
        f"at most {1 - 1 / frame_size:.6g}",
    )
    require(
        pad_end or n_samples >= frame_size,
        f"n_samples is {n_samples}, must be at least one frame, {frame_size}, with "
        "pad_end=False; pad_end=True takes any length",
    )


def stft_frames(n_samples, frame_size, overlap, pad_end):
    """Return the hop and the number of frames of settings that `check_stft` let pass."""
    hop = math.floor(frame_size * (1 - overlap) + 1e-6)
    return hop, -(-n_samples // hop) if pad_end else 1 + (n_samples - frame_size) // hop


def check_rates(sample_rate, frame_rate):
    """Raise unless a frame is a whole number of samples long; name the nearest rates."""
    for name, rate in (("sample_rate", sample_rate), ("frame_rate", frame_rate)):
        require(0 < rate < math.inf, f"{name} is {rate}, must be positive, in Hz")
    require(
        frame_rate <= sample_rate,
        f"frame_rate is {frame_rate}, must be at most the sample_rate, {sample_rate}",
    )
    require(sample_rate <= 1e9, f"sample_rate is {sample_rate}, must be at most 1e9 Hz, e.g. 16000")
    hop = sample_rate / frame_rate
    require(
        hop <= _LONGEST_HOP,
        f"frame_rate is {frame_rate}, must be at least {sample_rate / _LONGEST_HOP:.6g} with a "
        f"sample_rate of {sample_rate}, e.g. 250",
    )
    if abs(hop - round(hop)) > 1e-9 * hop:
        most = min(int(sample_rate), 1_000_000)  # more would take seconds to try
        whole = [rate for rate in range(1, most + 1) if sample_rate % rate == 0]
        near = min(whole or [sample_rate], key=lambda rate: abs(rate - frame_rate))
        require(
            False,
            f"frame_rate is {frame_rate}, must divide the sample_rate, {sample_rate}; "
            f"frame_rate={near} does, or resample to {round(hop) * frame_rate} Hz first",
        )


def hop_size(sample_rate, frame_rate):
    """Return the samples from one frame to the next, of rates that `check_rates` let pass."""
    return round(sample_rate / frame_rate)


def framing(n_samples, frame_size, hop, padding):
    """Return how many frames there are, and at which sample the first begins.

    "center": frame i has its middle at sample i * hop. "same": it begins there, and there
    are as many as begin within the signal. "valid": only those that lie within the signal.
    """
    if padding == "same":
        return -(-n_samples // hop), 0
    before = frame_size // 2 if padding == "center" else 0
    return (n_samples + 2 * before - frame_size) // hop + 1, -before


def check_framing(n_samples, frame_size, hop, padding):
    """Raise unless the frames cover the signal and there is at least one."""
    require(
        padding in ("center", "same", "valid"),
        f"padding is {padding!r}, must be 'center', 'same' or 'valid'",
    )
    require(
        padding == "valid" or frame_size >= hop,
        f"the frame size is {frame_size}, must be at least the {hop} samples from one frame "
        "to the next (sample_rate / frame_rate), or samples would be left out",
    )
    require(
        padding != "valid" or n_samples >= frame_size,
        f"n_samples is {n_samples}, must be at least one frame, {frame_size}, with "
        "padding='valid'; padding='center' takes any length",
    )


def check_cut(n_samples, frame_size, hop, padding):
    """Raise unless frames of a given size and hop can be cut; padding "any": at any hop."""
    for name, size in (("frame_size", frame_size), ("hop_size", hop)):
        require(size >= 1, f"{name} is {size}, must be a whole number of at least 1, e.g. 256")
    if padding != "any":
        check_framing(n_samples, frame_size, hop, padding)


@njit
def cut_frames(signal, window, start, hop, frames):
    """Write windowed frames of a signal; what lies outside the signal is 0."""
    n_samples, size = signal.size, window.size
    for f in range(frames.shape[0]):
        first = start + f * hop
        low = min(max(0, -first), size)
        high = max(low, min(size, n_samples - first))
        row = frames[f]
        row[:low] = 0
        row[high:] = 0
        # Slices that count from 0: indices that might be negative would not become vector code.
        inside, weights, samples = row[low:high], window[low:high], signal[first + low :]
        for i in range(high - low):
            inside[i] = weights[i] * samples[i]


@njit
def add_frames(frames, window, start, hop, signal):
    """Add windowed frames to a signal, the transpose of `cut_frames`."""
    n_samples, size = signal.size, window.size
    for f in range(frames.shape[0]):
        first = start + f * hop
        low = min(max(0, -first), size)
        high = max(low, min(size, n_samples - first))
        inside, weights, samples = frames[f, low:high], window[low:high], signal[first + low :]
        for i in range(high - low):
            samples[i] += weights[i] * inside[i]


def run_in_turns(function, n_batch, n_parts):
    """Call `function(b, i)` for all i < n_parts, where neighbours write to the same samples.

    All even parts run side by side, then all odd ones: no two neighbours at the same time,
    and every sample gets its summands in the same order whatever the number of threads.
    """
    for turn in (0, 1):
        parts = range(turn, n_parts, 2)
        run_parts(function, [(b, i) for b in range(n_batch) for i in parts])


def visit_spectra(signals, size, hop, start, n_frames, see, signals_bar=None, fft_size=None):
    """Show the Hann-windowed spectra of all frames to `see(b, first, last, spectra)`.

    `signals` has shape (batch, n_samples), `spectra` (last - first, size // 2 + 1); with an
    even `fft_size` above the size of the frames, fft_size // 2 + 1. With `signals_bar`, `see`
    overwrites each value by its cotangent (that of its real part plus i times that of its
    imaginary part), and what follows from these is added to `signals_bar`.
    """
    chunks = _chunks(size, hop, n_frames)
    window = _window(size, signals.dtype)

    def part(b, i):
        first, last = chunks[i]
        frames = np.empty((last - first, size), signals.dtype)
        cut_frames(signals[b], window, start + first * hop, hop, frames)
        spectra = scipy.fft.rfft(frames, fft_size)
        see(b, first, last, spectra)
        if signals_bar is not None:
            _pull_spectra(spectra, size, hop, start + first * hop, fft_size, signals_bar[b])

    run_in_turns(part, len(signals), len(chunks))


def gather_spectra(spectra_bar, size, hop, n_frames, fft_size, signals_bar):
    """Add to `signals_bar` what follows from cotangents of the spectra of `visit_spectra`.

    `spectra_bar(b, first, last)` returns them for a run of frames in an array of its own. The
    first frame begins at sample 0.
    """
    chunks = _chunks(size, hop, n_frames)

    def part(b, i):
        first, last = chunks[i]
        spectra = spectra_bar(b, first, last)
        _pull_spectra(spectra, size, hop, first * hop, fft_size, signals_bar[b])

    run_in_turns(part, len(signals_bar), len(chunks))


def _chunks(size, hop, n_frames):
    """Return runs of frames for one part of the work each."""
    return ranges(n_frames, max(_PART // size, math.ceil(size / hop)))  # two on, none overlaps


def _window(size, dtype):
    """Return the window of the frames; as in TensorFlow, that of an odd size is symmetric."""
    return hann_window(size, dtype, symmetric=size % 2 == 1)


def _pull_spectra(spectra, size, hop, start, fft_size, signal_bar):
    """Add to a signal what follows from cotangents of its spectra, which are overwritten."""
    # Half of a cotangent goes to each of the bins k and fft_size - k; 0 and Nyquist stand alone.
    half_window = _window(size, signal_bar.dtype) / 2
    spectra[:, 0] *= 2
    spectra[:, -1] *= 2
    n = size if fft_size is None else fft_size
    frames = scipy.fft.irfft(spectra, n, norm="forward", overwrite_x=True)
    add_frames(frames, half_window, start, hop, signal_bar)
