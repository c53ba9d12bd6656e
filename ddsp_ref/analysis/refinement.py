"""Precise periods from rough ones, and where in a frame the energy is."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.analysis.yin import TINY
from ddsp_ref.jit import njit_relaxed

# The longest lag as a share of the frame, the largest difference at
# which two stretches still count as the same wave (0 equal, 1 unrelated), the largest correction.
_LONGEST_LAG, _SAME_WAVE, _LARGEST_STEP = 0.5, 0.4, 1.02


@njit_relaxed
def _difference_at(frame, lag, n):
    """Sum the squared differences of two stretches of n samples, symmetric in the frame."""
    start = (len(frame) - n - lag) // 2
    early, late = frame[start : start + n], frame[start + lag : start + lag + n]
    total = 0.0
    for j in range(n):  # slices from 0 on: with an offset inside the loop it is not vectorised
        total += (early[j] - late[j]) ** 2
    return total


@njit_relaxed
def refine_f0(frames, sample_rate, f0_hz, centroids, spreads):
    """Replace rough pitches by precise ones, in place, and write where a frame has its energy.

    A lag of many periods shows the period more precisely than a lag of one. From 1 the number of
    periods is doubled as long as the wave stays the same over that lag; each step searches where
    the one before it says. Errors of the rough pitch up to `_LARGEST_STEP` are corrected.
    Centroids of energy are in samples after the middle, spreads are standard deviations.
    """
    frame_length = frames.shape[1]
    for t in range(len(frames)):
        energy, moment, second = 0.0, 0.0, 0.0
        for j in range(frame_length):
            square, place = frames[t, j] * frames[t, j], j - frame_length // 2
            energy += square
            moment += place * square
            second += place * place * square
        centroids[t] = moment / (energy + TINY)
        spreads[t] = math.sqrt(max(second / (energy + TINY) - centroids[t] ** 2, 0.0))
        rough = sample_rate / f0_hz[t]
        period, n_periods, reach = rough, 1, math.ceil(rough * (_LARGEST_STEP - 1.0))
        searching = True
        while searching:
            searching = False
            centre = round(n_periods * period)
            n = frame_length - (centre + reach + 1)
            before, here = np.inf, _difference_at(frames[t], centre - reach - 1, n)
            lowest = 2.0 * _SAME_WAVE * energy * n / frame_length
            for lag in range(centre - reach, centre + reach + 2):
                after = _difference_at(frames[t], lag, n)
                if here < lowest and here < before and here <= after and before < np.inf:
                    lowest, searching = here, True
                    period = lag - 1 + 0.5 * (before - after) / (before - 2.0 * here + after)
                before, here = here, after
            if searching:
                period /= n_periods
                searching = rough / _LARGEST_STEP < period < rough * _LARGEST_STEP
            if searching:
                f0_hz[t] = sample_rate / period
                more = min(2 * n_periods, int(_LONGEST_LAG * frame_length / period))
                searching, n_periods, reach = more > n_periods, more, 2
