"""Spectral loss, fast: spectra of both signals, their distance and its cotangents in one walk."""

from __future__ import annotations

import math

import numpy as np
import scipy.fft

from ddsp_ref.jit import njit_relaxed, ranges
from ddsp_ref.ops.spectral._frames import add_frames, cut_frames, run_in_turns
from ddsp_ref.ops.spectral._tables import hann_window

# Samples in one part of the work: the spectra of its frames stay in the cache of a core.
_PART = 8192


@njit_relaxed
def _compare(spectra, squared, add, floor, ratios):
    """Return the sum of the differences; write (value + add) / (target + add)."""
    total = 0.0
    n_bins = spectra.shape[2] // 2
    for f in range(spectra.shape[1]):
        target, value = spectra[0, f], spectra[1, f]
        for k in range(n_bins):
            # Squares in double precision: those of float32 would vanish below 1e-19.
            real, imag = np.float64(target[2 * k]), np.float64(target[2 * k + 1])
            target_mag = math.sqrt(real * real + imag * imag)
            real, imag = np.float64(value[2 * k]), np.float64(value[2 * k + 1])
            value_mag = math.sqrt(real * real + imag * imag)
            gap = value_mag - target_mag
            total += gap * gap if squared else abs(gap)
            target_mag, value_mag = target_mag + add, value_mag + add
            target_mag = target_mag if target_mag > 0 else floor
            value_mag = value_mag if value_mag > 0 else floor
            ratios[f, k] = value_mag / target_mag
    return total


@njit_relaxed
def _sum(gaps, squared):
    total = 0.0
    for f in range(gaps.shape[0]):
        for k in range(gaps.shape[1]):
            total += gaps[f, k] * gaps[f, k] if squared else abs(gaps[f, k])
    return total


@njit_relaxed
def _scale(spectrum, factors):
    for k in range(factors.size):
        spectrum[2 * k] *= factors[k]
        spectrum[2 * k + 1] *= factors[k]


@njit_relaxed
def _compare_vjp(spectra, log_gaps, squared, add, weight, log_weight):
    """Overwrite the spectra by what gives the cotangents of the frames when transformed back."""
    n_bins = spectra.shape[2] // 2
    target_slopes, value_slopes = np.empty(n_bins), np.empty(n_bins)
    for f in range(spectra.shape[1]):
        target, value, log_gap = spectra[0, f], spectra[1, f], log_gaps[f]
        for k in range(n_bins):
            real, imag = np.float64(target[2 * k]), np.float64(target[2 * k + 1])
            target_mag = math.sqrt(real * real + imag * imag)
            real, imag = np.float64(value[2 * k]), np.float64(value[2 * k + 1])
            value_mag = math.sqrt(real * real + imag * imag)
            slope, log_slope = value_mag - target_mag, log_gap[k]
            if squared:
                slope, log_slope = 2.0 * slope, 2.0 * log_slope
            else:
                slope = 1.0 if slope > 0 else (-1.0 if slope < 0 else 0.0)
                log_slope = 1.0 if log_slope > 0 else (-1.0 if log_slope < 0 else 0.0)
            slope, log_slope = weight * slope, log_weight * log_slope
            # slope / mag + log_slope / (mag + add) / mag, with one division instead of three
            lifted = target_mag + add
            gain, base = slope * lifted + log_slope, lifted * target_mag
            target_slopes[k] = -gain / base if base > 0 else 0.0
            lifted = value_mag + add
            gain, base = slope * lifted + log_slope, lifted * value_mag
            value_slopes[k] = gain / base if base > 0 else 0.0
        # Half of a cotangent goes to each of the bins k and size - k; 0 and Nyquist stand alone.
        for slopes in (target_slopes, value_slopes):
            slopes[0] *= 2
            slopes[n_bins - 1] *= 2
        _scale(target, target_slopes)
        _scale(value, value_slopes)


def walk(signals, bars, fft_sizes, compare, ahead=0):
    """Return the sum of what `compare` makes of the spectra of each pair of signals, float64.

    `signals` are target and audio, both (batch, n_samples). `compare(spectra, n_own, n_frames)`
    sees the spectra of a run of frames of both as real numbers, (2, n_own + ahead, 2 * n_bins),
    and how many frames there are in all; of the frames ahead, which begin the next run, there are
    none after the last. Unless `bars` is None, `compare` overwrites the spectra by what gives
    the cotangents of the frames when transformed back, and these are added to `bars`.
    """
    n_batch, n_samples = signals[0].shape
    dtype = signals[0].dtype
    # Frames reach no further than the part after the one that they begin in.
    chunks = ranges(n_samples, max(_PART, (1 + ahead) * max(fft_sizes)))
    sums = np.zeros((n_batch, len(chunks)))

    def part(b, i):
        for size in fft_sizes:
            hop = size // 4
            n_frames = -(-n_samples // hop)
            first, last = (-(-end // hop) for end in chunks[i])
            frames = np.empty((2, min(last + ahead, n_frames) - first, size), dtype)
            window = hann_window(size, dtype)
            for signal, own in zip(signals, frames):
                cut_frames(signal[b], window, first * hop, hop, own)
            spectra = scipy.fft.rfft(frames)
            sums[b, i] += compare(spectra.view(dtype), last - first, n_frames)
            if bars is None:
                continue
            frames = scipy.fft.irfft(spectra, size, norm="forward", overwrite_x=True)
            for bar, own in zip(bars, frames):
                add_frames(own, window, first * hop, hop, bar[b])

    run_in_turns(part, n_batch, len(chunks))
    return sums.sum(axis=1)


def magnitude_distance(signals, bars, fft_sizes, squared, mag_weight, log_weight, add, floor):
    """Return the distance of each pair of signals in magnitudes and logarithmic magnitudes.

    See `walk`. Logarithms are those of the magnitude plus `add`, or of `floor` where that is 0.
    """
    weights = mag_weight, log_weight

    def compare(spectra, n_own, n_frames):
        log_gaps = np.empty((n_own, spectra.shape[2] // 2))
        weight, log_weight_here = (w / (n_frames * log_gaps.shape[1]) for w in weights)
        total = weight * _compare(spectra, squared, add, floor, log_gaps)
        if log_weight > 0:
            np.log(log_gaps, out=log_gaps)
            total += log_weight_here * _sum(log_gaps, squared)
        if bars is not None:
            _compare_vjp(spectra, log_gaps, squared, add, weight / 2, log_weight_here / 2)
        return total

    return walk(signals, bars, fft_sizes, compare)
