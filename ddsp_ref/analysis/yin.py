"""YIN: the difference function, its troughs and their probabilities."""

from __future__ import annotations

import math

import numpy as np
import scipy.fft

from ddsp_ref.jit import njit

TINY = float(np.finfo(np.float64).tiny)


def define_difference(frame: np.ndarray, max_period: int, lags_per_sample: int = 1) -> np.ndarray:
    """Compare a frame with its shifted self, as the readable truth.

    d(k) = sum over j >= 0 of (x[j] - x[j + k])^2, where x is zero outside of the frame.

    Parameters
    ----------
    frame : ndarray, shape (frame_length,)
        One stretch of sound.
    max_period : int
        The largest shift in samples, below `frame_length`.
    lags_per_sample : int
        Shifts per sample, at least 1. Between the samples x is the band-limited signal through
        them, one period of which is the frame and zeros up to `fft_length`; of the sample in
        which j = 0 falls, the share after it counts.

    Returns
    -------
    ndarray, shape (max_period * lags_per_sample + 1,), float64
        The difference for every shift from 0 on; 0 for shift 0.

    Notes
    -----
    Equation 6 of de Cheveigne and Kawahara (2002) with the frame as its window and zeros after
    it, which is what librosa 0.11 computes. The zeros add the energy of the last k samples: a
    slight preference for short periods.

    Examples
    --------
    >>> define_difference(np.array([1.0, 0.0, 1.0, 0.0]), 2)
    array([0., 3., 1.])
    """
    n_fft = fft_length(len(frame), max_period)
    x = np.zeros(n_fft)
    x[: len(frame)] = frame
    squares = np.repeat(x**2, lags_per_sample) / lags_per_sample
    spectrum = np.fft.fft(x)
    difference = np.zeros(max_period * lags_per_sample + 1)
    for k in range(len(difference)):
        shift = np.exp(2j * np.pi * np.fft.fftfreq(n_fft) * k / lags_per_sample)
        everywhere = np.sum(np.abs(spectrum * (1.0 - shift)) ** 2) / n_fft
        difference[k] = everywhere - squares[:k].sum()
    return difference


def define_normalised_difference(difference: np.ndarray) -> np.ndarray:
    """Divide a difference function by its running mean, as the readable truth.

    Parameters
    ----------
    difference : ndarray, shape (n_lags,)
        The difference function from shift 0 on, see `define_difference`.

    Returns
    -------
    ndarray, shape (n_lags,), float64
        d(k) divided by the mean of d(1) to d(k), and 1 for shift 0; 0 for a silent frame.

    Notes
    -----
    Equation 8 of de Cheveigne and Kawahara (2002).

    Examples
    --------
    >>> define_normalised_difference(np.array([0.0, 3.0, 1.0]))
    array([1. , 1. , 0.5])
    """
    d = np.asarray(difference, dtype=np.float64)
    k = np.arange(1, len(d))
    return np.concatenate([[1.0], d[1:] / (np.cumsum(d[1:]) / k + TINY)])


def define_troughs(
    normalised: np.ndarray,
    beta_masses: np.ndarray,
    *,
    boltzmann: float,
    no_trough_prob: float,
    interpolate: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the shifts that may be the period and how probable each is, as the readable truth.

    Every threshold votes with its mass for the troughs below it, the earlier ones more; where
    there is none, a small share of the mass goes to the deepest trough.

    Parameters
    ----------
    normalised : ndarray, shape (n_lags,)
        Normalised difference of the shifts in question.
    beta_masses : ndarray, shape (n_thresholds,)
        Prior mass of the thresholds 1 / n_thresholds, 2 / n_thresholds, ..., 1.
    boltzmann : float
        How much more an earlier trough counts: each following one is worth exp(-boltzmann).
    no_trough_prob : float
        Share of the mass of a threshold that goes to the deepest trough if none is below it.
    interpolate : bool
        Whether the height of a trough is that of the parabola through it and its neighbours.

    Returns
    -------
    indices : ndarray, shape (n_troughs,), int64
        Where in `normalised` the troughs are.
    shifts : ndarray, shape (n_troughs,), float64
        How far the vertices of the parabolas lie after the indices, -0.5 to 0.5.
    probabilities : ndarray, shape (n_troughs,), float64
        Their sum is at most 1.

    Notes
    -----
    Section 2.1 of Mauch and Dixon (2014) with the weights of their software (and of librosa).

    Examples
    --------
    >>> define_troughs(np.array([1.0, 0.3, 0.8, 0.9]), np.array([0.5, 0.5]),
    ...                boltzmann=2.0, no_trough_prob=0.01, interpolate=False)
    (array([1]), array([0.08333333]), array([1.]))
    """
    y = np.asarray(normalised, dtype=np.float64)
    falls = np.append(y[0] < y[1], y[1:] < y[:-1])
    rises = np.append(y[:-1] <= y[1:], True)
    indices = np.flatnonzero(falls & rises)
    before, after = y[np.maximum(indices - 1, 0)], y[np.minimum(indices + 1, len(y) - 1)]
    inside = (indices > 0) & (indices < len(y) - 1)
    curves = np.where(inside, before - 2 * y[indices] + after, 1.0)
    slopes = np.where(inside, (after - before) / 2, 0.0)
    heights = y[indices] - interpolate * slopes**2 / (2 * curves)

    probabilities = np.zeros(len(indices))
    for threshold, mass in enumerate(beta_masses, start=1):
        below = heights < threshold / len(beta_masses)
        if below.any():
            weights = np.exp(-boltzmann * np.arange(below.sum()))
            probabilities[below] += mass * weights / weights.sum()
        elif len(indices):
            probabilities[heights.argmin()] += no_trough_prob * mass
    return indices, -slopes / curves, probabilities


def fft_length(frame_length: int, max_period: int) -> int:
    """Return an even length at which shifts up to `max_period` do not wrap, and FFTs are fast."""
    return 2 * scipy.fft.next_fast_len((frame_length + max_period + 1) // 2, real=True)


def autocorrelation(padded: np.ndarray, max_period: int, lags_per_sample: int = 1) -> np.ndarray:
    """Multiply frames by their shifted selves: r(k) = sum over j of x[j] x[j + k].

    Parameters
    ----------
    padded : ndarray, shape (n_frames, n_fft)
        Stretches of sound, each followed by at least `max_period` zeros; `n_fft` is even.
    max_period : int
        The largest shift in samples.
    lags_per_sample : int
        Shifts per sample, at least 1; between the samples r is band-limited.

    Returns
    -------
    ndarray, shape (n_frames, max_period * lags_per_sample + 1)
        For every shift from 0 on; of the dtype of `padded`.

    Examples
    --------
    >>> autocorrelation(np.array([[1.0, 2.0, 0.0, 0.0]]), 2).round(12)
    array([[5., 2., 0.]])
    """
    n_fft = padded.shape[1]
    spectrum = scipy.fft.rfft(padded, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    if lags_per_sample > 1:
        power *= lags_per_sample
        power[:, -1] *= 0.5  # the former Nyquist bin now stands for two bins
    n_lags = max_period * lags_per_sample + 1
    found = scipy.fft.irfft(power, n_fft * lags_per_sample, axis=1)[:, :n_lags]
    return np.ascontiguousarray(found)  # as that of a single frame is: kernels compile once


@njit
def find_candidates(
    frames, autocorrelations, first_lag, lags_per_sample, beta_masses, boltzmann, no_trough_prob,
    longest_period, bins_per_octave, n_bins, bins, probabilities, counts,
):  # fmt: skip
    """Write the pitch bins that each frame may have, and how probable each is.

    The same as `define_troughs` of the normalised difference from `first_lag` on, interpolated
    if there is more than one lag per sample. Bin 0 is the pitch of `longest_period` (in lags).
    """
    n_lags = autocorrelations.shape[1]
    n_thresholds = len(beta_masses)
    decay = math.exp(-boltzmann)
    y = np.empty(n_lags - first_lag)
    indices = np.empty(len(y), np.int64)
    shifts, heights, shares = np.empty(len(y)), np.empty(len(y)), np.empty(len(y))
    levels = np.empty(len(y), np.int64)
    newly_below = np.empty(n_thresholds + 1, np.int64)
    for t in range(len(frames)):
        # The normalised difference. d(k) = 2 r(0) - 2 r(k) - energy of the first k lags.
        head, total = 0.0, 0.0
        for k in range(1, n_lags):
            sample = frames[t, (k - 1) // lags_per_sample]
            head += sample * sample / lags_per_sample
            d = 2.0 * (autocorrelations[t, 0] - autocorrelations[t, k]) - head
            total += d
            if k >= first_lag:
                y[k - first_lag] = d / (total / k + TINY)

        # The troughs, and the first threshold that each is below.
        n_troughs, deepest = 0, 0
        newly_below[:] = 0
        for i in range(len(y)):
            falls = y[i] < y[i - 1] if i > 0 else y[0] < y[1]
            if not falls or (i + 1 < len(y) and y[i] > y[i + 1]):
                continue
            height, shift = y[i], 0.0
            if 0 < i < len(y) - 1:
                slope = 0.5 * (y[i + 1] - y[i - 1])
                shift = -slope / (y[i + 1] + y[i - 1] - 2.0 * y[i])
                if lags_per_sample > 1:
                    height += 0.5 * slope * shift
            level = max(0, min(n_thresholds, math.floor(height * n_thresholds)))
            newly_below[level] += 1
            indices[n_troughs], shifts[n_troughs], heights[n_troughs] = i, shift, height
            levels[n_troughs], shares[n_troughs] = level, 0.0
            if height < heights[deepest]:
                deepest = n_troughs
            n_troughs += 1

        # Thresholds between which no trough is added vote alike: sum up their masses first.
        mass, n_below = 0.0, 0
        for level in range(n_thresholds):
            n_below += newly_below[level]
            mass += beta_masses[level]
            if level + 1 < n_thresholds and newly_below[level + 1] == 0:
                continue
            if n_below == 0 and n_troughs > 0:
                shares[deepest] += no_trough_prob * mass
            weight = mass * (1.0 - decay) / (1.0 - decay**n_below) if n_below > 0 else 0.0
            for n in range(n_troughs):
                if levels[n] <= level:
                    shares[n] += weight
                    weight *= decay
            mass = 0.0

        # The bins. Troughs come in falling pitch; of two in one bin the longer period stays.
        count = 0
        for n in range(n_troughs):
            period = first_lag + indices[n] + shifts[n]
            pitch = max(0, round(bins_per_octave * math.log2(longest_period / period)))
            if pitch >= n_bins or shares[n] == 0.0:
                continue
            if count > 0 and bins[t, count - 1] == pitch:
                count -= 1
            bins[t, count], probabilities[t, count] = pitch, shares[n]
            count += 1
        counts[t] = count
