"""Power of frames, and levels in dB: the fast side of the ops for power, rms and loudness."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, njit_relaxed, ranges, run_parts

# Samples in one part of the work.
_PART = 1 << 16


@njit_relaxed
def _mean_squares(signal, start, hop, frame_size, power):
    for f in range(power.size):
        first = start + f * hop
        low, high = max(first, 0), min(first + frame_size, signal.size)
        total = 0.0
        for i in range(low, high):
            total += np.float64(signal[i]) * np.float64(signal[i])
        power[f] = total / frame_size


@njit
def _mean_squares_vjp(signal, start, hop, frame_size, power_bar, low, high, signal_bar):
    first, last, weight = 0, -1, 0.0
    for i in range(low, high):
        # the frames that sample i lies in are a run, and change only now and then
        new_first = max(-((start + frame_size - 1 - i) // hop), 0)
        new_last = min((i - start) // hop, power_bar.size - 1)
        if new_first != first or new_last != last:
            first, last, weight = new_first, new_last, 0.0
            for f in range(first, last + 1):
                weight += power_bar[f]
            weight *= 2.0 / frame_size
        signal_bar[i] = weight * signal[i]


def mean_power(audio, frame_size, hop, start, n_frames):
    """Return the mean square of every frame, float64, zeros outside the signal."""
    power = np.empty((len(audio), n_frames))

    def part(b, first, last):
        _mean_squares(audio[b], start + first * hop, hop, frame_size, power[b, first:last])

    chunks = ranges(n_frames, max(1, _PART // frame_size))
    run_parts(part, [(b, *chunk) for b in range(len(audio)) for chunk in chunks])
    return power


def mean_power_vjp(audio, frame_size, hop, start, power_bar):
    """Return the cotangent of the audio for the float64 cotangent of `mean_power`."""
    audio_bar = np.empty(audio.shape, audio.dtype)

    def part(b, low, high):
        _mean_squares_vjp(audio[b], start, hop, frame_size, power_bar[b], low, high, audio_bar[b])

    chunks = ranges(audio.shape[1], _PART)
    run_parts(part, [(b, *chunk) for b in range(len(audio)) for chunk in chunks])
    return audio_bar


def decibels(power, range_db, ref_db):
    """Return the level of a power, clamped twice as in the original, and its derivative."""
    floor = 10.0 ** (-range_db / 10.0)
    level = 10.0 * np.log10(np.maximum(power, floor)) - ref_db
    moves = (power > floor) & (level > -range_db)
    slope = np.where(moves, 10.0 / math.log(10.0) / np.maximum(power, floor), 0.0)
    return np.maximum(level, -range_db), slope


def check_range(range_db, ref_db):
    """Raise unless the dynamic range is one."""
    require(range_db > 0, f"range_db is {range_db}, must be positive, e.g. 80")
    require(math.isfinite(ref_db), f"ref_db is {ref_db}, must be finite, e.g. 0")
