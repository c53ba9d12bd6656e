"""Spectral loss with every term and type: all views of the magnitudes in one walk."""

from __future__ import annotations

import math

import numpy as np
import scipy.fft

from ddsp_ref.jit import njit_relaxed, ranges
from ddsp_ref.ops.spectral._frames import add_frames, cut_frames, run_in_turns
from ddsp_ref.ops.spectral._tables import hann_window

# Samples in one part of the work: the spectra of its frames stay in the cache of a core.
_PART = 8192
_KINDS = {"L1": 0, "L2": 1, "COSINE": 2}


@njit_relaxed
def _magnitudes(spectra, add, floor, mags, lifted):
    """Write magnitudes, and what their logarithms are taken of."""
    for s in range(2):
        for f in range(mags.shape[1]):
            row, mag_row, lifted_row = spectra[s, f], mags[s, f], lifted[s, f]
            for k in range(mags.shape[2]):
                # Squares in double precision: those of float32 would vanish below 1e-19.
                real, imag = np.float64(row[2 * k]), np.float64(row[2 * k + 1])
                mag = math.sqrt(real * real + imag * imag)
                mag_row[k] = mag
                lifted_row[k] = mag + add if mag + add > 0 else floor


@njit_relaxed
def _distance(pair, slopes, n, kind, weight):
    """Return the weighted distance of two rows; write what it changes by with each value."""
    (target, value), (target_slopes, value_slopes) = pair, slopes
    total = 1.0 if kind == 2 else 0.0
    for k in range(n):
        gap = value[k] - target[k]
        if kind == 0:
            total += abs(gap)
            slope = weight if gap > 0 else (-weight if gap < 0 else 0.0)
            target_slopes[k], value_slopes[k] = -slope, slope
        elif kind == 1:
            total += gap * gap
            target_slopes[k], value_slopes[k] = -2.0 * weight * gap, 2.0 * weight * gap
        else:
            total -= target[k] * value[k]
            target_slopes[k], value_slopes[k] = -weight * value[k], -weight * target[k]
    return weight * total


@njit_relaxed
def _terms(mags, lifted, logs, n_own, kind, weights, bars):
    """Return the sum of all terms; add the cotangents of the magnitudes to `bars`."""
    mag, time, freq, cumsum, log = weights
    n = mags.shape[2]
    view, slopes = np.empty((2, n)), np.empty((2, n))
    # rows as a tuple: a kernel is compiled once for all of them
    views, both_slopes = (view[0], view[1]), (slopes[0], slopes[1])
    total = 0.0
    for f in range(n_own):
        if mag > 0:
            total += _distance((mags[0, f], mags[1, f]), both_slopes, n, kind, mag)
            for s in range(2):
                for k in range(n):
                    bars[s, f, k] += slopes[s, k]
        if time > 0 and f + 1 < mags.shape[1]:
            for s in range(2):
                for k in range(n):
                    view[s, k] = mags[s, f + 1, k] - mags[s, f, k]
            total += _distance(views, both_slopes, n, kind, time)
            for s in range(2):
                for k in range(n):
                    bars[s, f + 1, k] += slopes[s, k]
                    bars[s, f, k] -= slopes[s, k]
        if freq > 0:
            for s in range(2):
                for k in range(n - 1):
                    view[s, k] = mags[s, f, k + 1] - mags[s, f, k]
            total += _distance(views, both_slopes, n - 1, kind, freq)
            for s in range(2):
                for k in range(n - 1):
                    bars[s, f, k + 1] += slopes[s, k]
                    bars[s, f, k] -= slopes[s, k]
        if cumsum > 0:
            for s in range(2):
                below = 0.0
                for k in range(n):
                    below += mags[s, f, k]
                    view[s, k] = below
            total += _distance(views, both_slopes, n, kind, cumsum)
            for s in range(2):
                above = 0.0
                for k in range(n - 1, -1, -1):
                    above += slopes[s, k]
                    bars[s, f, k] += above
        if log > 0:
            total += _distance((logs[0, f], logs[1, f]), both_slopes, n, kind, log)
            for s in range(2):
                for k in range(n):
                    bars[s, f, k] += slopes[s, k] / lifted[s, f, k]
    return total


@njit_relaxed
def _pull(spectra, mags, bars):
    """Overwrite the spectra by what gives the cotangents of the frames when transformed back."""
    last = mags.shape[2] - 1
    for s in range(2):
        for f in range(mags.shape[1]):
            row, mag, bar = spectra[s, f], mags[s, f], bars[s, f]
            for k in range(last + 1):
                # Half of a cotangent goes to each of the bins k and size - k; 0 and Nyquist
                # stand alone.
                share = 1.0 if k == 0 or k == last else 0.5
                slope = share * bar[k] / mag[k] if mag[k] > 0 else 0.0
                row[2 * k] *= slope
                row[2 * k + 1] *= slope


def _walk(signals, bars, wanted, fft_sizes, compare, ahead):
    """Return the sum of what `compare` makes of the spectra of each pair of signals, float64.

    `signals` are target and audio, both (batch, n_samples). `compare(spectra, n_own, n_frames)`
    sees the spectra of a run of frames of both as real numbers, (2, n_own + ahead, 2 * n_bins),
    and how many frames there are in all; of the frames ahead, which begin the next run, there are
    none after the last. `compare` overwrites the spectra by what gives the cotangents of the
    frames when transformed back, and those that are wanted are added to `bars`.
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
            for bar, want, own in zip(bars, wanted, spectra):
                if want:
                    own = scipy.fft.irfft(own, size, norm="forward", overwrite_x=True)
                    add_frames(own, window, first * hop, hop, bar[b])

    run_in_turns(part, n_batch, len(chunks))
    return sums.sum(axis=1)


def terms_distance(signals, bars, wanted, fft_sizes, loss_type, weights, add, floor):
    """Return the distance of each pair of signals in all views of their magnitudes.

    See `_walk`. `weights` are those of the magnitudes, their differences in time, differences in
    frequency, sums over frequency, and logarithms, which are as in `magnitude_distance`.
    """
    kind = _KINDS[loss_type]
    in_time, in_frequency = (0, 1, 0, 0, 0), (0, 0, 1, 0, 0)

    def compare(spectra, n_own, n_frames):
        shape = (*spectra.shape[:2], spectra.shape[2] // 2)
        # the mean is over rows and bins, that of COSINE over rows
        n_bins = [1 if loss_type == "COSINE" else shape[2] - less for less in in_frequency]
        n_rows = [n_frames - less for less in in_time]
        # no neighbours in a single frame, of which `check` allows none
        shares = [float(w) / max(n * m, 1) for w, n, m in zip(weights, n_rows, n_bins)]
        mags, lifted, mags_bar = np.empty(shape), np.empty(shape), np.zeros(shape)
        _magnitudes(spectra, add, floor, mags, lifted)
        logs = np.log(lifted) if weights[4] > 0 else lifted
        total = _terms(mags, lifted, logs, n_own, kind, tuple(shares), mags_bar)
        if any(wanted):
            _pull(spectra, mags, mags_bar)
        return total

    return _walk(signals, bars, wanted, fft_sizes, compare, ahead=int(weights[1] > 0))
