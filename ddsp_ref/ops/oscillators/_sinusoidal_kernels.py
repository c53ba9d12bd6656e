"""The kernels of sinusoids with frequencies of their own: phases by frame, blocks of samples."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed, ranges, run_parts
from ddsp_ref.ops._products import aligned
from ddsp_ref.ops.oscillators._amplitude_methods import BLOCK, PASSES, add_sides, weigh_cubic
from ddsp_ref.ops.oscillators._phases import first_sample, frame_phases, pull_frequencies
from ddsp_ref.ops.oscillators._series import SIN, sine_series

PART = 1 << 18  # partials x samples that one thread takes at a time


# Phase is float64; waves, amplitudes and sums have the precision of the amplitudes.


@njit_relaxed
def _half_turn(x, series):
    """Return sin(pi x) for |x| <= 1/2, see `_series`."""
    z = x * x
    y = series[-1]
    for m in range(len(series) - 2, -1, -1):
        y = y * z + series[m]
    return x * y


# Rows of the work buffers, flat arrays: only then does the compiler see that rows cannot overlap.
_FRACTION, _COUNT, _TRIANGLE = 0, BLOCK, 2 * BLOCK  # in float64
_WEIGHT, _SUM, _BAR, _HIGH_BAR, _WHOLE_COUNT, _RIGHT_COUNT = range(0, 6 * BLOCK, BLOCK)
_GAIN, _SIDE, _ACROSS = range(6 * BLOCK, 9 * BLOCK, BLOCK)
# Passes of `_amplitude_methods.PASSES`; 0 is "nearest".
_LINEAR, _WINDOW, _INNER, _OUTER = 1, 2, 3, 4


@njit_relaxed
def _start_block(wide, work, offset, step, method):
    """Fill the rows that all partials share: where samples are, and the weight of the right."""
    for j in range(BLOCK):
        fraction = offset + j * step
        wide[_COUNT + j] = j + 1
        wide[_TRIANGLE + j] = 0.5 * step * j * (j + 1)
        wide[_FRACTION + j] = fraction
        work[_SUM + j] = 0
        work[_GAIN + j] = 1
        if method == _WINDOW:
            work[_WEIGHT + j] = 0.5 - 0.5 * _half_turn(0.5 - fraction, SIN)
        else:
            work[_WEIGHT + j] = fraction if method == _LINEAR else 0.0


@njit_relaxed
def _add_partial(wide, work, line, low, rise, nyquist, masked, series):
    """Add one partial. Its line: cycles before, gained per sample, and by the slope of f0; f0."""
    cycles, gain, bend, here, slope = line
    cycles -= 0.25  # the sine is the cosine of a quarter less
    for j in range(BLOCK):
        phase = cycles + gain * wide[_COUNT + j] + bend * wide[_TRIANGLE + j]
        part = phase - np.floor(phase)  # in [0, 1], however large: phase + 0.5 might round
        work[_ACROSS + j] = 0.5 - 2 * min(part, 1.0 - part)  # cos(2 pi d) = sin(pi (1/2 - 2 d))
    if masked:
        for j in range(BLOCK):
            if here + slope * wide[_FRACTION + j] >= nyquist:
                work[_ACROSS + j] = 0
    for j in range(BLOCK):
        level = low + rise * work[_WEIGHT + j]
        work[_SUM + j] += level * _half_turn(work[_ACROSS + j], series)


@njit_relaxed
def _advance(phase, line, n, step, sample_rate, k):
    """Move the phase of partial k on by n samples, in which its frequency is a straight line."""
    _, gain, bend, _, _ = line
    turns = phase[k] + sample_rate * (n * gain + bend * (step * (0.5 * n * (n - 1))))
    phase[k] = turns - sample_rate * np.floor(turns / sample_rate)


@njit_relaxed
def _line(frequencies, b, i, k, phase, offset, rate):
    """Return what `_add_partial` takes as a line."""
    here = frequencies[b, i, k]
    slope = frequencies[b, min(i + 1, frequencies.shape[1] - 1), k] - here
    return phase * rate, (here + slope * offset) * rate, slope * rate, here, slope


@njit
def _audible(line, offset, end, nyquist):
    """Return whether any, and whether all samples of a block are below Nyquist."""
    _, _, _, here, slope = line
    one, other = here + slope * offset, here + slope * end
    return min(one, other) < nyquist, max(one, other) < nyquist


@njit
def _synthesize(
    method, frequencies, amplitudes, phases, n_samples, sample_rate, nyquist, series, b, first,
    last, y,
):  # fmt: skip
    """Write the samples of frames first ... last - 1 of batch element b."""
    n_frames, n_partials = amplitudes.shape[1:]
    wide, work = aligned(3 * BLOCK, np.float64), aligned(9 * BLOCK, amplitudes.dtype)
    phase, step, rate = np.empty(n_partials), n_frames / n_samples, 1 / sample_rate
    reach = 1 if method == _OUTER else 0
    for i in range(first, last):
        left, right = max(i - reach, 0), min(i + 1 + reach, n_frames - 1)
        for k in range(n_partials):
            phase[k] = phases[b, i, k]
        stop = first_sample(i + 1, n_frames, n_samples)
        for t in range(first_sample(i, n_frames, n_samples), stop, BLOCK):
            n = min(BLOCK, stop - t)
            tick = t * n_frames - i * n_samples
            offset = tick / n_samples
            _start_block(wide, work, offset, step, method)
            if method >= _INNER:
                weigh_cubic(work, _GAIN, _WEIGHT, tick, n_frames, n_samples, method == _OUTER)
            for k in range(n_partials):
                line = _line(frequencies, b, i, k, phase[k], offset, rate)
                low = amplitudes[b, left, k]
                rise = amplitudes[b, right, k] - low
                some, every = _audible(line, offset, wide[_FRACTION + n - 1], nyquist)
                if some:
                    _add_partial(wide, work, line, low, rise, nyquist, not every, series)
                _advance(phase, line, n, step, sample_rate, k)
            for j in range(n):
                y[b, t + j] = work[_GAIN + j] * work[_SUM + j]


@njit_relaxed
def _pull_partial(wide, work, line, low, rise, nyquist, masked, series, sums, b, i, k):
    """Add to sums: cotangents of both amplitudes, and what pulls phase, by three weights."""
    cycles, gain, bend, here, slope = line
    for j in range(BLOCK):
        phase = cycles + gain * wide[_COUNT + j] + bend * wide[_TRIANGLE + j]
        part = phase - np.floor(phase)
        across = 0.5 - 2 * min(part, 1.0 - part)
        side = 0.5 - abs(across)
        work[_ACROSS + j] = across
        work[_SIDE + j] = side if part < 0.5 else -side
    if masked:
        for j in range(BLOCK):
            if here + slope * wide[_FRACTION + j] >= nyquist:
                work[_ACROSS + j] = 0
                work[_SIDE + j] = 0
    left = right = whole = by_count = by_right = work.dtype.type(0)
    for j in range(BLOCK):
        sine, cosine = _half_turn(work[_SIDE + j], series), _half_turn(work[_ACROSS + j], series)
        bar, high_bar = work[_BAR + j], work[_HIGH_BAR + j]
        left += (bar - high_bar) * sine
        right += high_bar * sine
        p = bar * (low + rise * work[_WEIGHT + j]) * cosine
        whole += p
        by_count += p * work[_WHOLE_COUNT + j]
        by_right += p * work[_RIGHT_COUNT + j]
    sums[b, i, k, 0] += left
    sums[b, i, k, 1] += right
    sums[b, i, k, 2] += whole
    sums[b, i, k, 3] += by_count - by_right
    sums[b, i, k, 4] += by_right


@njit
def _pull_frames(
    method, frequencies, amplitudes, phases, n_samples, sample_rate, nyquist, series, b, first,
    last, y_bar, sums,
):  # fmt: skip
    """Pull y_bar back to the amplitudes of the frames on both sides, and to phase.

    sums[b, i, k] holds the cotangents of the amplitudes on the left and on the right, and three
    sums over the samples of frame i of the cotangent p of phase: of p, and of p times the phase
    that 1 Hz in the left and in the right frame adds up to by then.
    """
    n_frames, n_partials = amplitudes.shape[1:]
    wide, work = aligned(3 * BLOCK, np.float64), aligned(9 * BLOCK, amplitudes.dtype)
    phase, step, rate = np.empty(n_partials), n_frames / n_samples, 1 / sample_rate
    reach = 1 if method == _OUTER else 0
    for i in range(first, last):
        left, right = max(i - reach, 0), min(i + 1 + reach, n_frames - 1)
        for k in range(n_partials):
            phase[k] = phases[b, i, k]
            for m in range(5):
                sums[b, i, k, m] = 0.0
        begin = first_sample(i, n_frames, n_samples)
        stop = first_sample(i + 1, n_frames, n_samples)
        lead = (begin * n_frames - i * n_samples) / n_samples
        for t in range(begin, stop, BLOCK):
            n = min(BLOCK, stop - t)
            tick = t * n_frames - i * n_samples
            offset = tick / n_samples
            _start_block(wide, work, offset, step, method)
            if method >= _INNER:
                weigh_cubic(work, _GAIN, _WEIGHT, tick, n_frames, n_samples, method == _OUTER)
            for j in range(BLOCK):
                m = t + j - begin + 1
                work[_BAR + j] = work[_GAIN + j] * y_bar[b, t + j] if j < n else 0.0
                work[_HIGH_BAR + j] = work[_BAR + j] * work[_WEIGHT + j]
                work[_WHOLE_COUNT + j] = m
                work[_RIGHT_COUNT + j] = m * lead + step * (0.5 * m * (m - 1))
            for k in range(n_partials):
                line = _line(frequencies, b, i, k, phase[k], offset, rate)
                low = amplitudes[b, left, k]
                rise = amplitudes[b, right, k] - low
                some, every = _audible(line, offset, wide[_FRACTION + n - 1], nyquist)
                if some:
                    _pull_partial(
                        wide, work, line, low, rise, nyquist, not every, series, sums, b, i, k
                    )
                _advance(phase, line, n, step, sample_rate, k)


def synthesize_vjp(
    frequencies, amplitudes, initial, *, n_samples, sample_rate, method, nyquist, dtype
):
    """Return audio, final phases (wrapped, in cycles), and a pullback of both.

    frequencies and amplitudes have shape (batch, n_frames, n_partials), initial phases in cycles
    (batch, n_partials); partials at or above `nyquist` Hz are silent. The pullback takes the
    cotangents of audio and of the final phases, and returns those of the three arrays in float64.
    """
    frequencies = np.ascontiguousarray(frequencies, np.float64)
    amplitudes = np.ascontiguousarray(amplitudes, dtype)
    n_batch, n_frames, n_partials = amplitudes.shape
    sample_rate = float(sample_rate)
    phases = np.empty((n_batch, n_frames + 1, n_partials))
    initial = np.ascontiguousarray(initial, np.float64)
    frame_phases(frequencies, initial, n_samples, sample_rate, phases)
    setting = (frequencies, amplitudes, phases, n_samples, sample_rate, float(nyquist))
    setting += (sine_series(dtype),)
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
