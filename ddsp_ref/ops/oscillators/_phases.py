"""From frequencies of frames to phases, and back: sums in float64, wrapped."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit


@njit
def first_sample(i, n_frames, n_samples):
    """Return the first sample t with t * n_frames >= i * n_samples."""
    return (i * n_samples + n_frames - 1) // n_frames


@njit
def frame_phases(frequencies, initial, n_samples, sample_rate, phases):
    """Fill phases[b, i] with the phase before frame i, and phases[b, n_frames] after the last.

    Phase is counted in cycles times sample rate and wrapped: whole numbers of Hz stay exact.
    Fractions of 1 Hz are added up apart, where they have the more digits.
    """
    n_batch, n_frames, n_partials = frequencies.shape
    whole, part = np.empty(n_partials), np.empty(n_partials)
    for b in range(n_batch):
        for k in range(n_partials):
            whole[k], part[k] = 0.0, initial[b, k] * sample_rate
            part[k] -= sample_rate * np.floor(part[k] / sample_rate)
            phases[b, 0, k] = part[k]
        for i in range(n_frames):
            after = min(i + 1, n_frames - 1)
            start = first_sample(i, n_frames, n_samples)
            n = first_sample(i + 1, n_frames, n_samples) - start
            ticks = n * (start * n_frames - i * n_samples) + n_frames * (n * (n - 1) // 2)
            right = ticks / n_samples
            for k in range(n_partials):
                here, there = frequencies[b, i, k], frequencies[b, after, k]
                low, high = np.floor(here), np.floor(there)
                part[k] += (n - right) * (here - low) + right * (there - high)
                whole[k] += (n - right) * low + right * high + np.floor(part[k])
                part[k] -= np.floor(part[k])
                whole[k] -= sample_rate * np.floor(whole[k] / sample_rate)
                phase = whole[k] + part[k]
                phases[b, i + 1, k] = phase - sample_rate * np.floor(phase / sample_rate)


@njit
def pull_frequencies(sums, n_samples, sample_rate, later, frequencies_bar):
    """Turn sums into cotangents of frequencies: a running sum from the end.

    later[b, k] is the cotangent of the phase (in radians) after the last sample; on return, of
    the phase before the first.
    """
    n_batch, n_frames, n_partials = frequencies_bar.shape
    scale = 2 * math.pi / sample_rate
    for b in range(n_batch):
        for i in range(n_frames - 1, -1, -1):
            after = min(i + 1, n_frames - 1)
            start = first_sample(i, n_frames, n_samples)
            n = first_sample(i + 1, n_frames, n_samples) - start
            begin = (start * n_frames - i * n_samples) / n_samples
            right = n * begin + (n_frames / n_samples) * (0.5 * n * (n - 1))
            for k in range(n_partials):
                wait = later[b, k]
                frequencies_bar[b, i, k] += scale * (sums[b, i, k, 3] + wait * (n - right))
                frequencies_bar[b, after, k] += scale * (sums[b, i, k, 4] + wait * right)
                later[b, k] = wait + sums[b, i, k, 2]
