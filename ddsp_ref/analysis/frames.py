"""Frame times: the one place that knows how many frames a sound has and where they sit."""

from __future__ import annotations

import math
import numbers
from fractions import Fraction

import numpy as np

from ddsp_ref.errors import require

# A float such as 176.4 stands for the nearest fraction with a denominator up to this.
_MAX_DENOMINATOR = 1_000_000


def _positive_fraction(op: str, argument: str, value: int | float | Fraction) -> Fraction:
    """Read a positive number as the fraction that it stands for."""
    rule = f"{op}: {argument} is {value!r}, must be a finite number above 0"
    require(isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)), rule)
    require(math.isfinite(value) and value > 0, rule)
    if isinstance(value, numbers.Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    fraction = Fraction(float(value)).limit_denominator(_MAX_DENOMINATOR)
    require(fraction > 0, f"{rule}; the smallest that works is {1 / _MAX_DENOMINATOR}")
    return fraction


def _check_n_samples(op: str, n_samples: int) -> int:
    rule = f"{op}: n_samples is {n_samples!r}, must be a whole number of at least 0"
    require(isinstance(n_samples, numbers.Integral) and not isinstance(n_samples, bool), rule)
    require(n_samples >= 0, rule)
    return int(n_samples)


def hop_size(sample_rate: int | float | Fraction, frame_rate: int | float | Fraction) -> Fraction:
    """Return the distance of two frames in samples, exactly.

    Parameters
    ----------
    sample_rate : int, float or Fraction
        Samples per second, above 0.
    frame_rate : int, float or Fraction
        Frames per second, above 0 and at most `sample_rate`.

    Returns
    -------
    Fraction
        `sample_rate / frame_rate`, at least 1; not rounded.

    Raises
    ------
    ParameterError
        If a rate is not a finite number above 0, or there are more frames than samples.

    Examples
    --------
    >>> hop_size(44100, 250)
    Fraction(882, 5)
    >>> hop_size(16000, 250)
    Fraction(64, 1)
    """
    samples = _positive_fraction("hop_size", "sample_rate", sample_rate)
    frames = _positive_fraction("hop_size", "frame_rate", frame_rate)
    require(
        frames <= samples,
        f"hop_size: frame_rate is {frame_rate}, must be at most the sample rate; "
        f"the largest that works is {sample_rate}",
    )
    return samples / frames


def n_frames(n_samples: int, hop_size: int | float | Fraction) -> int:
    """Return how many frames a sound has: `ceil(n_samples / hop_size)`.

    Frame `i` stands for the samples from `i * hop_size` up to `(i + 1) * hop_size`, so every
    sample belongs to one frame and no frame is empty.

    Parameters
    ----------
    n_samples : int
        Length of the sound in samples, at least 0.
    hop_size : int, float or Fraction
        Samples from one frame to the next, above 0; need not be whole. A float is read as the
        nearest fraction with a denominator of at most a million, so `176.4` is exactly 882/5.

    Returns
    -------
    int
        The number of frames; 0 for a sound without samples.

    Raises
    ------
    ParameterError
        If `n_samples` is not a whole number of at least 0 or `hop_size` is not above 0.

    Notes
    -----
    Computed with whole numbers: `int(seconds * frame_rate)` loses a frame for 2067968 samples at
    16 kHz and 250 frames/s. Libraries that centre frames (librosa) count `n_samples // hop + 1`:
    where the hop divides the length, that is one frame more, centred on the end of the sound.

    Examples
    --------
    >>> n_frames(64000, 64)
    1000
    >>> n_frames(44100, 176.4)
    250
    >>> n_frames(2067968, 64)
    32312
    """
    hop = _positive_fraction("n_frames", "hop_size", hop_size)
    n = _check_n_samples("n_frames", n_samples)
    return -(-n * hop.denominator // hop.numerator)


def nearest_frame_rate(sample_rate: int, frame_rate: float = 250) -> int:
    """Return the whole frame rate nearest to `frame_rate` that divides `sample_rate`.

    Parameters
    ----------
    sample_rate : int
        Samples per second.
    frame_rate : float
        Frames per second that would be liked.

    Returns
    -------
    int
        Frames per second; one frame is then a whole number of samples.

    Examples
    --------
    >>> nearest_frame_rate(16000), nearest_frame_rate(48000), nearest_frame_rate(44100)
    (250, 250, 252)
    """
    limit = math.isqrt(sample_rate) + 1
    small = [d for d in range(1, limit) if sample_rate % d == 0]
    return min({*small, *(sample_rate // d for d in small)}, key=lambda d: (abs(d - frame_rate), d))


def frame_times(
    n_samples: int, sample_rate: int | float | Fraction, hop_size: int | float | Fraction
) -> np.ndarray:
    """Return the time of every frame in seconds: `i * hop_size / sample_rate`.

    Parameters
    ----------
    n_samples : int
        Length of the sound in samples, at least 0.
    sample_rate : int, float or Fraction
        Samples per second, above 0.
    hop_size : int, float or Fraction
        Samples from one frame to the next, above 0; need not be whole.

    Returns
    -------
    ndarray, shape (n_frames,), float64
        Seconds. Every one is computed from its own index: errors do not add up.

    Raises
    ------
    ParameterError
        If an argument is out of its range.

    Examples
    --------
    >>> frame_times(64, 16000, 16)
    array([0.   , 0.001, 0.002, 0.003])
    """
    rate = _positive_fraction("frame_times", "sample_rate", sample_rate)
    step = _positive_fraction("frame_times", "hop_size", hop_size) / rate
    i = np.arange(n_frames(n_samples, hop_size), dtype=np.float64)
    return i * float(step.numerator) / float(step.denominator)


def frame_positions(n_samples: int, hop_size: int | float | Fraction) -> np.ndarray:
    """Return the sample on which every frame is centred: `i * hop_size`, rounded half down.

    Parameters
    ----------
    n_samples : int
        Length of the sound in samples, at least 0.
    hop_size : int, float or Fraction
        Samples from one frame to the next, above 0; need not be whole.

    Returns
    -------
    ndarray, shape (n_frames,), int64
        Sample indices, never more than half a sample away from the frame's time.

    Raises
    ------
    ParameterError
        If an argument is out of its range.

    Examples
    --------
    >>> frame_positions(8, 2.5)
    array([0, 2, 5, 7])
    """
    hop = _positive_fraction("frame_positions", "hop_size", hop_size)
    i = np.arange(n_frames(n_samples, hop_size), dtype=np.int64)
    twice, half = 2 * hop.denominator, hop.denominator
    return -((half - 2 * i * hop.numerator) // twice)


def centred_frames(audio: np.ndarray, positions: np.ndarray, frame_length: int) -> np.ndarray:
    """Cut out frames centred on the given samples, with zeros outside of the sound.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        The sound.
    positions : ndarray, shape (n_frames,), int
        Where the centres are, in samples; see `frame_positions`.
    frame_length : int
        Samples per frame, at least 1.

    Returns
    -------
    ndarray, shape (n_frames, frame_length)
        Row `i` starts at `positions[i] - frame_length // 2`. A copy, of the dtype of `audio`.

    Raises
    ------
    ParameterError
        If `audio` is not 1-D or `frame_length` is below 1.

    Notes
    -----
    Only the samples between the first and the last frame are touched: long sounds can be cut
    piece by piece without a padded copy of the whole.

    Examples
    --------
    >>> centred_frames(np.array([1, 2, 3, 4]), np.array([0, 2]), 3)
    array([[0, 1, 2],
           [2, 3, 4]])
    """
    require(
        np.ndim(audio) == 1,
        f"centred_frames: audio has shape {np.shape(audio)}, must have one axis, (n_samples,)",
    )
    require(
        frame_length >= 1,
        f"centred_frames: frame_length is {frame_length}, must be at least 1 sample",
    )
    if len(positions) == 0:
        return np.zeros((0, frame_length), dtype=audio.dtype)
    starts = np.asarray(positions) - frame_length // 2
    first, stop = int(starts.min()), int(starts.max()) + frame_length
    stretch = np.zeros(stop - first, dtype=audio.dtype)
    inside = slice(min(max(first, 0), len(audio)), max(min(stop, len(audio)), 0))
    stretch[inside.start - first : inside.stop - first] = audio[inside]
    return np.lib.stride_tricks.sliding_window_view(stretch, frame_length)[starts - first]
