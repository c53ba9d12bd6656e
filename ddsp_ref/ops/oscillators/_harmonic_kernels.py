"""The kernels of harmonic synthesis: frames, cut into blocks of samples, see `_harmonic_blocks`."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed
from ddsp_ref.ops.oscillators import _harmonic_blocks as blocks
from ddsp_ref.ops.oscillators._amplitude_methods import BLOCK, weigh_cubic
from ddsp_ref.ops.oscillators._phases import first_sample
from ddsp_ref.ops.oscillators._series import SIN


@njit
def _cycles_of_line(n, here, slope, offset, step, sample_rate):
    """Return the phase gained in n samples, during which f0 follows a straight line."""
    return (n * (here + slope * offset) + slope * step * (0.5 * n * (n - 1))) / sample_rate


@njit
def frame_phases(f0_hz, n_samples, sample_rate, phases):
    """Fill phases[b, i] with the cycles before the first sample of frame i, wrapped.

    Whole Hz and fractions of 1 Hz are added up apart: the first exactly, the second finely.
    """
    n_batch, n_frames = f0_hz.shape
    for b in range(n_batch):
        whole, part = 0.0, 0.0  # cycles times sample rate
        for i in range(n_frames):
            phases[b, i] = (whole + part) / sample_rate
            start = first_sample(i, n_frames, n_samples)
            n = first_sample(i + 1, n_frames, n_samples) - start
            left, right = float(f0_hz[b, i]), float(f0_hz[b, min(i + 1, n_frames - 1)])
            whole_left, whole_right = np.floor(left), np.floor(right)
            ticks = start * n_frames - i * n_samples
            by_right = (n * ticks + n_frames * (n * (n - 1) // 2)) / n_samples
            part += (n - by_right) * (left - whole_left) + by_right * (right - whole_right)
            whole += (n - by_right) * whole_left + by_right * whole_right + np.floor(part)
            part -= np.floor(part)
            whole -= sample_rate * np.floor(whole / sample_rate)


@njit
def _n_audible(f0, nyquist, n_harmonics):
    """Count the partials below Nyquist."""
    if n_harmonics * f0 < nyquist:
        return n_harmonics
    count = int(min(float(n_harmonics), nyquist / f0 + 1))
    while count > 0 and count * f0 >= nyquist:
        count -= 1
    return count


# Passes of `_amplitude_methods.PASSES`; 0 is "nearest".
_LINEAR, _WINDOW, _INNER, _OUTER = 1, 2, 3, 4


@njit_relaxed
def _weigh(narrow, offset, step, method):
    """Fill the weight of the right frame, for samples that lie so far behind the left one."""
    for j in range(BLOCK):
        x = offset + j * step - 0.5  # cos(pi fraction) = -sin(pi (fraction - 1/2))
        z = x * x
        bend = SIN[7]
        for m in range(7):
            bend = bend * z + SIN[6 - m]
        straight = x + 0.5 if method == _LINEAR else 0.0
        narrow[blocks.WEIGHT + j] = 0.5 + 0.5 * bend * x if method == _WINDOW else straight
        narrow[blocks.GAIN + j] = 1.0


@njit_relaxed
def _run_phase(wide, offset, step, here, slope, phase, sample_rate):
    """Fill phase and f0 of samples that lie so far behind the left frame."""
    start = here + slope * offset
    for j in range(BLOCK):
        gained = (j + 1) * start + slope * step * (0.5 * j * (j + 1))
        wide[blocks.CYCLES + j] = phase + gained / sample_rate
        wide[blocks.F0 + j] = here + slope * (offset + j * step)


@njit
def _place_block(wide, narrow, tick, weighed, sizes, line, sample_rate, method):
    """Fill phase, f0, weight and gain of the samples after tick; return its place in the frame.

    Weights of an earlier block, which began at `weighed`, are kept where this begins there too.
    """
    n_frames, n_samples = sizes
    offset, step = tick / n_samples, n_frames / n_samples
    _run_phase(wide, offset, step, *line, sample_rate)
    if tick != weighed:
        if method >= _INNER:
            gain, weight = blocks.GAIN, blocks.WEIGHT
            weigh_cubic(narrow, gain, weight, tick, n_frames, n_samples, method == _OUTER)
        else:
            _weigh(narrow, offset, step, method)
    return offset


@njit
def _audible_range(wide, n, nyquist, n_harmonics):
    """Return how many partials are below Nyquist in all of n samples, and in any of them."""
    one = _n_audible(wide[blocks.F0], nyquist, n_harmonics)
    other = _n_audible(wide[blocks.F0 + n - 1], nyquist, n_harmonics)
    return min(one, other), max(one, other)


@njit
def synthesize_frames(f0_hz, partials, phases, n_samples, sample_rate, method, b, first, last, y):
    """Write the samples of frames first ... last - 1 of batch element b."""
    n_frames, n_harmonics = partials.shape[1:]
    wide, narrow, folded, frames, values = blocks.make_room(n_harmonics, partials.dtype)
    step, nyquist = n_frames / n_samples, sample_rate / 2
    reach, weighed, sizes = 1 if method == _OUTER else 0, np.int64(-1), (n_frames, n_samples)
    for i in range(first, last):
        here = float(f0_hz[b, i])
        slope = float(f0_hz[b, min(i + 1, n_frames - 1)]) - here
        left, right = max(i - reach, 0), min(i + 1 + reach, n_frames - 1)
        phase = phases[b, i]
        stop = first_sample(i + 1, n_frames, n_samples)
        for t in range(first_sample(i, n_frames, n_samples), stop, BLOCK):
            n = min(BLOCK, stop - t)
            tick, line = t * n_frames - i * n_samples, (here, slope, phase)
            offset = _place_block(wide, narrow, tick, weighed, sizes, line, sample_rate, method)
            weighed = tick
            n_all, n_any = _audible_range(wide, n, nyquist, n_harmonics)
            blocks.synthesize(wide, narrow, folded, frames, values, partials, b, left, right, n_all)
            blocks.add_crossing(wide, narrow, partials, b, left, right, n_all, n_any, nyquist)
            for j in range(n):
                low, high = narrow[blocks.LOW + j], narrow[blocks.HIGH + j]
                y[b, t + j] = narrow[blocks.GAIN + j] * (
                    low + narrow[blocks.WEIGHT + j] * (high - low)
                )
            phase += _cycles_of_line(n, here, slope, offset, step, sample_rate)


@njit_relaxed
def _count(wide, tick, n_frames, n_samples):
    """Fill what phase has gained by then if 1 Hz is in both frames, and if it is in the right one.

    In units of one sample's gain; the frame's first sample lies tick % n_frames ticks behind it.
    """
    before, begin, step = tick // n_frames, (tick % n_frames) / n_samples, n_frames / n_samples
    for j in range(BLOCK):
        m = before + j + 1
        wide[blocks.BOTH + j] = m
        wide[blocks.RIGHT + j] = m * begin + step * (0.5 * m * (m - 1))


@njit_relaxed
def _share_out(narrow, y_bar, b, t, n):
    """Fill the cotangents of both sums: y_bar, by the weights of their frames; zeros behind it."""
    for j in range(n):
        narrow[blocks.LOW_BAR + j] = y_bar[b, t + j]
    for j in range(n, BLOCK):
        narrow[blocks.LOW_BAR + j] = 0
    for j in range(BLOCK):
        bar = narrow[blocks.GAIN + j] * narrow[blocks.LOW_BAR + j]
        high_bar = narrow[blocks.WEIGHT + j] * bar
        narrow[blocks.HIGH_BAR + j] = high_bar
        narrow[blocks.LOW_BAR + j] = bar - high_bar


@njit_relaxed
def _add_moments(wide, narrow, moments, b, i):
    """Add the sums of `pull_frames` over one block."""
    whole = by_both = by_right = 0.0
    for j in range(BLOCK):
        p = np.float64(narrow[blocks.LOW_BAR + j]) * np.float64(narrow[blocks.LOW + j])
        p += np.float64(narrow[blocks.HIGH_BAR + j]) * np.float64(narrow[blocks.HIGH + j])
        whole += p
        by_both += p * wide[blocks.BOTH + j]
        by_right += p * wide[blocks.RIGHT + j]
    moments[b, i, 0] += whole
    moments[b, i, 1] += by_both - by_right
    moments[b, i, 2] += by_right


@njit
def pull_frames(
    f0_hz, partials, phases, n_samples, sample_rate, method, b, first, last, y_bar,
    left_bar, right_bar, moments,
):  # fmt: skip
    """Pull y_bar back to the partials of the frames on both sides, and to phase.

    moments[b, i] holds three sums over the samples of frame i of the cotangent p of phase: of p,
    and of p times the phase that 1 Hz in the left and in the right frame adds up to by then.
    """
    n_frames, n_harmonics = partials.shape[1:]
    wide, narrow, folded, frames, values = blocks.make_room(n_harmonics, partials.dtype)
    step, nyquist = n_frames / n_samples, sample_rate / 2
    reach, weighed, sizes = 1 if method == _OUTER else 0, np.int64(-1), (n_frames, n_samples)
    for i in range(first, last):
        here = float(f0_hz[b, i])
        slope = float(f0_hz[b, min(i + 1, n_frames - 1)]) - here
        left, right = max(i - reach, 0), min(i + 1 + reach, n_frames - 1)
        phase = phases[b, i]
        start = first_sample(i, n_frames, n_samples)
        stop = first_sample(i + 1, n_frames, n_samples)
        for k in range(n_harmonics):
            left_bar[b, i, k] = right_bar[b, i, k] = 0.0
        moments[b, i] = 0.0
        for t in range(start, stop, BLOCK):
            n = min(BLOCK, stop - t)
            tick, line = t * n_frames - i * n_samples, (here, slope, phase)
            offset = _place_block(wide, narrow, tick, weighed, sizes, line, sample_rate, method)
            if tick != weighed:
                _count(wide, tick, n_frames, n_samples)
            weighed = tick
            _share_out(narrow, y_bar, b, t, n)
            n_all, n_any = _audible_range(wide, n, nyquist, n_harmonics)
            blocks.pull(
                wide,
                narrow,
                folded,
                frames,
                values,
                partials,
                b,
                left,
                right,
                n_all,
                left_bar,
                right_bar,
                i,
            )
            blocks.pull_crossing(
                wide,
                narrow,
                partials,
                b,
                left,
                right,
                left_bar,
                right_bar,
                i,
                n_all,
                n_any,
                nyquist,
            )
            _add_moments(wide, narrow, moments, b, i)
            phase += _cycles_of_line(n, here, slope, offset, step, sample_rate)


@njit
def pull_f0(moments, n_samples, sample_rate, f0_bar):
    """Turn the moments of each frame into cotangents of f0: a running sum from the end."""
    n_batch, n_frames = moments.shape[:2]
    scale = 2 * math.pi / sample_rate
    for b in range(n_batch):
        later = 0.0
        for i in range(n_frames):
            f0_bar[b, i] = 0
        for i in range(n_frames - 1, -1, -1):
            after = min(i + 1, n_frames - 1)
            start = first_sample(i, n_frames, n_samples)
            n = first_sample(i + 1, n_frames, n_samples) - start
            begin = (start * n_frames - i * n_samples) / n_samples
            right = n * begin + (n_frames / n_samples) * (0.5 * n * (n - 1))
            whole, by_left, by_right = moments[b, i]
            f0_bar[b, i] += scale * (by_left + later * (n - right))
            f0_bar[b, after] += scale * (by_right + later * right)
            later += whole
