"""The kernels of sinusoids with frequencies of their own: phases by frame, blocks of samples."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed, ranges, run_parts
from ddsp_ref.ops.oscillators._amplitude_methods import PASSES, add_sides
from ddsp_ref.ops.oscillators._series import SIN

BLOCK = 64  # samples per inner loop: its buffers stay in the first-level cache
PART = 1 << 18  # partials x samples that one thread takes at a time


@njit
def _first_sample(i, n_frames, n_samples):
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
            start = _first_sample(i, n_frames, n_samples)
            n = _first_sample(i + 1, n_frames, n_samples) - start
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


@njit_relaxed
def _cosine(cycles):
    """Return cos(2 pi cycles)."""
    part = cycles - np.floor(cycles)  # in [0, 1], however large: cycles + 0.5 might round
    x = 0.5 - 2 * min(part, 1.0 - part)  # cos(2 pi d) = sin(pi (1/2 - 2 d))
    z = x * x
    y = SIN[7]
    for m in range(7):
        y = y * z + SIN[6 - m]
    return x * y


# Rows of the work buffer, one flat array: only then does the compiler see that rows cannot overlap.
_COUNT, _TRIANGLE, _FRACTION, _WEIGHT, _SUM = range(0, 5 * BLOCK, BLOCK)
_BAR, _HIGH_BAR, _WHOLE_COUNT, _RIGHT_COUNT, _GAIN = range(5 * BLOCK, 10 * BLOCK, BLOCK)
_WORK = 10 * BLOCK
# Passes of `_amplitude_methods.PASSES`; 0 is "nearest".
_LINEAR, _WINDOW, _INNER, _OUTER = 1, 2, 3, 4


@njit
def _weigh_cubic(work, tick, n_frames, n_samples, outer):
    """Fill gain and weight of a cubic pass, see `resample_cubic`, for j samples after tick."""
    for j in range(BLOCK):
        r = min(round((tick + j * n_frames) * 1024 / n_samples) / 1024, 1.0)
        q = 1.0 - r
        work[_GAIN + j] = -0.75 * r * q if outer else 1.0 + 0.75 * r * q
        work[_WEIGHT + j] = r if outer else (1.0 + q * q * (1.25 * q - 2.25)) / work[_GAIN + j]


@njit_relaxed
def _start_block(work, offset, step, method):
    """Fill the rows that all partials share: where samples are, and the weight of the right."""
    for j in range(BLOCK):
        fraction = offset + j * step
        work[_COUNT + j] = j + 1
        work[_TRIANGLE + j] = 0.5 * step * j * (j + 1)
        work[_FRACTION + j] = fraction
        work[_SUM + j] = 0.0
        work[_GAIN + j] = 1.0
        if method == _WINDOW:
            work[_WEIGHT + j] = 0.5 - 0.5 * _cosine(0.5 * fraction)
        else:
            work[_WEIGHT + j] = fraction if method == _LINEAR else 0.0


@njit_relaxed
def _add_partial(work, phase, start, here, slope, low, rise, rate, nyquist, masked):
    for j in range(BLOCK):
        turns = phase + start * work[_COUNT + j] + slope * work[_TRIANGLE + j]
        level = low + rise * work[_WEIGHT + j]
        if masked and here + slope * work[_FRACTION + j] >= nyquist:
            level = 0.0
        work[_SUM + j] += level * _cosine(turns * rate - 0.25)


@njit_relaxed
def _advance(phase, start, slope, n, step, sample_rate, k):
    """Move the phase of partial k on by n samples, in which its frequency is a straight line."""
    turns = phase[k] + n * start + slope * (step * (0.5 * n * (n - 1)))
    phase[k] = turns - sample_rate * np.floor(turns / sample_rate)


@njit
def _synthesize(
    method, frequencies, amplitudes, phases, n_samples, sample_rate, nyquist, b, first, last, y
):
    """Write the samples of frames first ... last - 1 of batch element b."""
    n_frames, n_partials = amplitudes.shape[1:]
    work, phase = np.empty(_WORK), np.empty(n_partials)
    step, rate = n_frames / n_samples, 1 / sample_rate
    reach = 1 if method == _OUTER else 0
    for i in range(first, last):
        after = min(i + 1, n_frames - 1)
        left, right = max(i - reach, 0), min(i + 1 + reach, n_frames - 1)
        for k in range(n_partials):
            phase[k] = phases[b, i, k]
        stop = _first_sample(i + 1, n_frames, n_samples)
        for t in range(_first_sample(i, n_frames, n_samples), stop, BLOCK):
            n = min(BLOCK, stop - t)
            offset = (t * n_frames - i * n_samples) / n_samples
            _start_block(work, offset, step, method)
            if method >= _INNER:
                tick = t * n_frames - i * n_samples
                _weigh_cubic(work, tick, n_frames, n_samples, method == _OUTER)
            for k in range(n_partials):
                here = frequencies[b, i, k]
                slope = frequencies[b, after, k] - here
                start = here + slope * offset
                end = here + slope * work[_FRACTION + n - 1]
                low = amplitudes[b, left, k]
                rise = amplitudes[b, right, k] - low
                if min(start, end) < nyquist:
                    masked = max(start, end) >= nyquist
                    _add_partial(
                        work, phase[k], start, here, slope, low, rise, rate, nyquist, masked
                    )
                _advance(phase, start, slope, n, step, sample_rate, k)
            for j in range(n):
                y[b, t + j] = work[_GAIN + j] * work[_SUM + j]


@njit_relaxed
def _pull_partial(work, phase, start, here, slope, low, rise, rate, nyquist, masked, sums):
    """Put into sums: cotangents of both amplitudes, and what pulls phase, by three weights."""
    left, right, whole, by_count, by_right = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(BLOCK):
        cycles = (phase + start * work[_COUNT + j] + slope * work[_TRIANGLE + j]) * rate
        on = not masked or here + slope * work[_FRACTION + j] < nyquist
        sine = _cosine(cycles - 0.25) if on else 0.0
        cosine = _cosine(cycles) if on else 0.0
        left += (work[_BAR + j] - work[_HIGH_BAR + j]) * sine
        right += work[_HIGH_BAR + j] * sine
        p = work[_BAR + j] * (low + rise * work[_WEIGHT + j]) * cosine
        whole += p
        by_count += p * work[_WHOLE_COUNT + j]
        by_right += p * work[_RIGHT_COUNT + j]
    sums[0] = left
    sums[1] = right
    sums[2] = whole
    sums[3] = by_count - by_right
    sums[4] = by_right


@njit
def _pull_frames(
    method, frequencies, amplitudes, phases, n_samples, sample_rate, nyquist, b, first, last,
    y_bar, sums,
):  # fmt: skip
    """Pull y_bar back to the amplitudes of the frames on both sides, and to phase.

    sums[b, i, k] holds the cotangents of the amplitudes on the left and on the right, and three
    sums over the samples of frame i of the cotangent p of phase: of p, and of p times the phase
    that 1 Hz in the left and in the right frame adds up to by then.
    """
    n_frames, n_partials = amplitudes.shape[1:]
    work, phase, part = np.empty(_WORK), np.empty(n_partials), np.empty(5)
    step, rate = n_frames / n_samples, 1 / sample_rate
    reach = 1 if method == _OUTER else 0
    for i in range(first, last):
        after = min(i + 1, n_frames - 1)
        left, right = max(i - reach, 0), min(i + 1 + reach, n_frames - 1)
        for k in range(n_partials):
            phase[k] = phases[b, i, k]
            for m in range(5):
                sums[b, i, k, m] = 0.0
        begin = _first_sample(i, n_frames, n_samples)
        stop = _first_sample(i + 1, n_frames, n_samples)
        lead = (begin * n_frames - i * n_samples) / n_samples
        for t in range(begin, stop, BLOCK):
            n = min(BLOCK, stop - t)
            offset = (t * n_frames - i * n_samples) / n_samples
            _start_block(work, offset, step, method)
            if method >= _INNER:
                tick = t * n_frames - i * n_samples
                _weigh_cubic(work, tick, n_frames, n_samples, method == _OUTER)
            for j in range(BLOCK):
                m = t + j - begin + 1
                work[_BAR + j] = work[_GAIN + j] * y_bar[b, t + j] if j < n else 0.0
                work[_HIGH_BAR + j] = work[_BAR + j] * work[_WEIGHT + j]
                work[_WHOLE_COUNT + j] = m
                work[_RIGHT_COUNT + j] = m * lead + step * (0.5 * m * (m - 1))
            for k in range(n_partials):
                here = frequencies[b, i, k]
                slope = frequencies[b, after, k] - here
                start = here + slope * offset
                end = here + slope * work[_FRACTION + n - 1]
                low = amplitudes[b, left, k]
                rise = amplitudes[b, right, k] - low
                if min(start, end) < nyquist:
                    masked = max(start, end) >= nyquist
                    _pull_partial(
                        work, phase[k], start, here, slope, low, rise, rate, nyquist, masked, part
                    )
                    for m in range(5):
                        sums[b, i, k, m] += part[m]
                _advance(phase, start, slope, n, step, sample_rate, k)


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
            start = _first_sample(i, n_frames, n_samples)
            n = _first_sample(i + 1, n_frames, n_samples) - start
            begin = (start * n_frames - i * n_samples) / n_samples
            right = n * begin + (n_frames / n_samples) * (0.5 * n * (n - 1))
            for k in range(n_partials):
                wait = later[b, k]
                frequencies_bar[b, i, k] += scale * (sums[b, i, k, 3] + wait * (n - right))
                frequencies_bar[b, after, k] += scale * (sums[b, i, k, 4] + wait * right)
                later[b, k] = wait + sums[b, i, k, 2]


def synthesize_vjp(
    frequencies, amplitudes, initial, *, n_samples, sample_rate, method, nyquist, dtype
):
    """Return audio, final phases (wrapped, in cycles), and a pullback of both.

    frequencies and amplitudes have shape (batch, n_frames, n_partials), initial phases in cycles
    (batch, n_partials); partials at or above `nyquist` Hz are silent. The pullback takes the
    cotangents of audio and of the final phases, and returns those of the three arrays in float64.
    """
    frequencies = np.ascontiguousarray(frequencies, np.float64)
    amplitudes = np.ascontiguousarray(amplitudes, np.float64)
    n_batch, n_frames, n_partials = amplitudes.shape
    sample_rate = float(sample_rate)
    phases = np.empty((n_batch, n_frames + 1, n_partials))
    initial = np.ascontiguousarray(initial, np.float64)
    frame_phases(frequencies, initial, n_samples, sample_rate, phases)
    setting = (frequencies, amplitudes, phases, n_samples, sample_rate, float(nyquist))
    size = max(1, int(PART * n_frames / (n_samples * n_partials)))
    parts = [(b, *part) for b in range(n_batch) for part in ranges(n_frames, size)]

    def render(number):
        y = np.empty((n_batch, n_samples), dtype)
        run_parts(_synthesize, [(number, *setting, *part, y) for part in parts])
        return y

    y = render(PASSES[method][0])
    for number in PASSES[method][1:]:
        y += render(number)

    def pullback(y_bar, final_bar=None):
        amplitudes_bar, total = np.zeros(amplitudes.shape), None
        for reach, number in enumerate(PASSES[method]):
            sums = np.empty((*amplitudes.shape, 5))
            run_parts(_pull_frames, [(number, *setting, *part, y_bar, sums) for part in parts])
            add_sides(sums[..., 0], sums[..., 1], reach, amplitudes_bar)
            total = sums if reach == 0 else total + sums
        later = np.zeros((n_batch, n_partials))
        if final_bar is not None:
            later += final_bar / (2 * math.pi)
        frequencies_bar = np.zeros(frequencies.shape)
        pull_frequencies(total, n_samples, sample_rate, later, frequencies_bar)
        return frequencies_bar, amplitudes_bar, 2 * math.pi * later

    return y, phases[:, -1] / sample_rate, pullback
