"""The kernels of harmonic synthesis: blocks of samples, a recurrence over partials."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed
from ddsp_ref.ops.oscillators._series import COS, SIN

BLOCK = 64  # samples per inner loop: its buffers stay in the first-level cache


@njit
def _first_sample(i, n_frames, n_samples):
    """Return the first sample t with t * n_frames >= i * n_samples."""
    return (i * n_samples + n_frames - 1) // n_frames


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
            start = _first_sample(i, n_frames, n_samples)
            n = _first_sample(i + 1, n_frames, n_samples) - start
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


# Rows of the work buffer. It is one flat array, and loops always run over whole rows: only then
# does the compiler see that rows cannot overlap and make vector code of loops over many of them.
_F0, _WEIGHT, _ROT, _SINE, _SINE_STEP, _COSINE, _COSINE_STEP = range(0, 7 * BLOCK, BLOCK)
_LOW, _HIGH, _LOW_BAR, _HIGH_BAR, _GAIN = range(7 * BLOCK, 12 * BLOCK, BLOCK)
WORK = 12 * BLOCK
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
def _start_block(work, offset, step, here, slope, phase, sample_rate, method):
    """Fill f0, the weight of the right frame, and the first partial; clear the sums.

    With theta the phase, the rows are sin(theta), cos(theta), what they changed by since
    partial 0, and rot = 4 sin^2(theta/2), which drives the recurrence.
    """
    start = here + slope * offset
    for j in range(BLOCK):
        fraction = offset + j * step
        work[_F0 + j] = here + slope * fraction
        cycles = phase + ((j + 1) * start + slope * step * (0.5 * j * (j + 1))) / sample_rate
        part = cycles - np.floor(cycles)  # in [0, 1], however large: cycles + 0.5 might round
        x = part if part < 0.5 else part - 1.0
        z = x * x
        sine, cosine = SIN[7], COS[8]
        for m in range(7):
            sine = sine * z + SIN[6 - m]
        for m in range(8):
            cosine = cosine * z + COS[7 - m]
        sine *= x
        rot = 4 * sine * sine
        work[_ROT + j] = rot
        work[_SINE + j] = work[_SINE_STEP + j] = 2 * sine * cosine
        work[_COSINE + j] = 1 - 0.5 * rot
        work[_COSINE_STEP + j] = -0.5 * rot
        work[_LOW + j] = 0.0
        work[_HIGH + j] = 0.0
        work[_GAIN + j] = 1.0
        x = fraction - 0.5  # cos(pi fraction) = -sin(pi (fraction - 1/2))
        z = x * x
        bend = SIN[7]
        for m in range(7):
            bend = bend * z + SIN[6 - m]
        straight = fraction if method == _LINEAR else 0.0
        work[_WEIGHT + j] = 0.5 + 0.5 * bend * x if method == _WINDOW else straight


@njit
def _audible_range(work, n, nyquist, n_harmonics):
    """Return how many partials are below Nyquist in all of n samples, and in any of them."""
    one = _n_audible(work[_F0], nyquist, n_harmonics)
    other = _n_audible(work[_F0 + n - 1], nyquist, n_harmonics)
    return min(one, other), max(one, other)


@njit_relaxed
def _add_partials(work, left, right, n_all, n_any, nyquist):
    """Add up sines weighted by the amplitudes of the frames to the left and to the right."""
    k = 0
    while k + 4 <= n_all:
        a0, a1, a2, a3 = left[k], left[k + 1], left[k + 2], left[k + 3]
        b0, b1, b2, b3 = right[k], right[k + 1], right[k + 2], right[k + 3]
        for j in range(BLOCK):
            rot, s0 = work[_ROT + j], work[_SINE + j]
            d1 = work[_SINE_STEP + j] - rot * s0
            s1 = s0 + d1
            d2 = d1 - rot * s1
            s2 = s1 + d2
            d3 = d2 - rot * s2
            s3 = s2 + d3
            d4 = d3 - rot * s3
            work[_LOW + j] += (a0 * s0 + a1 * s1) + (a2 * s2 + a3 * s3)
            work[_HIGH + j] += (b0 * s0 + b1 * s1) + (b2 * s2 + b3 * s3)
            work[_SINE_STEP + j] = d4
            work[_SINE + j] = s3 + d4
        k += 4
    while k < n_any:
        for j in range(BLOCK):
            on = k < n_all or (k + 1) * work[_F0 + j] < nyquist
            wave = work[_SINE + j] if on else 0.0
            work[_LOW + j] += left[k] * wave
            work[_HIGH + j] += right[k] * wave
            work[_SINE_STEP + j] -= work[_ROT + j] * work[_SINE + j]
            work[_SINE + j] += work[_SINE_STEP + j]
        k += 1


@njit
def synthesize_frames(f0_hz, partials, phases, n_samples, sample_rate, method, b, first, last, y):
    """Write the samples of frames first ... last - 1 of batch element b."""
    n_frames, n_harmonics = partials.shape[1:]
    work = np.empty(WORK)
    step, nyquist = n_frames / n_samples, sample_rate / 2
    reach = 1 if method == _OUTER else 0
    for i in range(first, last):
        here = float(f0_hz[b, i])
        slope = float(f0_hz[b, min(i + 1, n_frames - 1)]) - here
        left, right = partials[b, max(i - reach, 0)], partials[b, min(i + 1 + reach, n_frames - 1)]
        phase = phases[b, i]
        stop = _first_sample(i + 1, n_frames, n_samples)
        for t in range(_first_sample(i, n_frames, n_samples), stop, BLOCK):
            n = min(BLOCK, stop - t)
            offset = (t * n_frames - i * n_samples) / n_samples
            _start_block(work, offset, step, here, slope, phase, sample_rate, method)
            if method >= _INNER:
                tick = t * n_frames - i * n_samples
                _weigh_cubic(work, tick, n_frames, n_samples, method == _OUTER)
            n_all, n_any = _audible_range(work, n, nyquist, n_harmonics)
            _add_partials(work, left, right, n_all, n_any, nyquist)
            for j in range(n):
                low, high = work[_LOW + j], work[_HIGH + j]
                y[b, t + j] = work[_GAIN + j] * (low + work[_WEIGHT + j] * (high - low))
            phase += _cycles_of_line(n, here, slope, offset, step, sample_rate)


@njit_relaxed
def _pull_partials(work, left, right, left_bar, right_bar, n_all, n_any, nyquist):
    """Add the cotangents of both frames' amplitudes; sum up k A_k cos(k theta) for both."""
    k = 0
    while k + 2 <= n_all:
        a0, a1 = (k + 1) * left[k], (k + 2) * left[k + 1]
        b0, b1 = (k + 1) * right[k], (k + 2) * right[k + 1]
        g0, g1, h0, h1 = 0.0, 0.0, 0.0, 0.0
        for j in range(BLOCK):
            rot, s0, c0 = work[_ROT + j], work[_SINE + j], work[_COSINE + j]
            d1 = work[_SINE_STEP + j] - rot * s0
            e1 = work[_COSINE_STEP + j] - rot * c0
            s1, c1 = s0 + d1, c0 + e1
            d2, e2 = d1 - rot * s1, e1 - rot * c1
            g0 += work[_LOW_BAR + j] * s0
            g1 += work[_LOW_BAR + j] * s1
            h0 += work[_HIGH_BAR + j] * s0
            h1 += work[_HIGH_BAR + j] * s1
            work[_LOW + j] += a0 * c0 + a1 * c1
            work[_HIGH + j] += b0 * c0 + b1 * c1
            work[_SINE_STEP + j] = d2
            work[_COSINE_STEP + j] = e2
            work[_SINE + j] = s1 + d2
            work[_COSINE + j] = c1 + e2
        left_bar[k] += g0
        left_bar[k + 1] += g1
        right_bar[k] += h0
        right_bar[k + 1] += h1
        k += 2
    while k < n_any:
        g, h = 0.0, 0.0
        for j in range(BLOCK):
            on = k < n_all or (k + 1) * work[_F0 + j] < nyquist
            wave, turn = (work[_SINE + j], work[_COSINE + j]) if on else (0.0, 0.0)
            g += work[_LOW_BAR + j] * wave
            h += work[_HIGH_BAR + j] * wave
            work[_LOW + j] += (k + 1) * left[k] * turn
            work[_HIGH + j] += (k + 1) * right[k] * turn
            work[_SINE_STEP + j] -= work[_ROT + j] * work[_SINE + j]
            work[_COSINE_STEP + j] -= work[_ROT + j] * work[_COSINE + j]
            work[_SINE + j] += work[_SINE_STEP + j]
            work[_COSINE + j] += work[_COSINE_STEP + j]
        left_bar[k] += g
        right_bar[k] += h
        k += 1


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
    work = np.empty(WORK)
    step, nyquist = n_frames / n_samples, sample_rate / 2
    reach = 1 if method == _OUTER else 0
    for i in range(first, last):
        here = float(f0_hz[b, i])
        slope = float(f0_hz[b, min(i + 1, n_frames - 1)]) - here
        left, right = partials[b, max(i - reach, 0)], partials[b, min(i + 1 + reach, n_frames - 1)]
        phase = phases[b, i]
        start = _first_sample(i, n_frames, n_samples)
        stop = _first_sample(i + 1, n_frames, n_samples)
        for k in range(n_harmonics):
            left_bar[b, i, k] = right_bar[b, i, k] = 0.0
        whole, by_left, by_right = 0.0, 0.0, 0.0
        begin = (start * n_frames - i * n_samples) / n_samples
        for t in range(start, stop, BLOCK):
            n = min(BLOCK, stop - t)
            offset = (t * n_frames - i * n_samples) / n_samples
            _start_block(work, offset, step, here, slope, phase, sample_rate, method)
            if method >= _INNER:
                tick = t * n_frames - i * n_samples
                _weigh_cubic(work, tick, n_frames, n_samples, method == _OUTER)
            for j in range(BLOCK):
                bar = work[_GAIN + j] * y_bar[b, t + j] if j < n else 0.0
                work[_HIGH_BAR + j] = work[_WEIGHT + j] * bar
                work[_LOW_BAR + j] = bar - work[_HIGH_BAR + j]
            n_all, n_any = _audible_range(work, n, nyquist, n_harmonics)
            _pull_partials(
                work, left, right, left_bar[b, i], right_bar[b, i], n_all, n_any, nyquist
            )
            for j in range(n):
                p = work[_LOW_BAR + j] * work[_LOW + j] + work[_HIGH_BAR + j] * work[_HIGH + j]
                m = t + j - start + 1
                share = m * begin + step * (0.5 * m * (m - 1))
                whole += p
                by_left += p * (m - share)
                by_right += p * share
            phase += _cycles_of_line(n, here, slope, offset, step, sample_rate)
        moments[b, i] = whole, by_left, by_right


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
            start = _first_sample(i, n_frames, n_samples)
            n = _first_sample(i + 1, n_frames, n_samples) - start
            begin = (start * n_frames - i * n_samples) / n_samples
            right = n * begin + (n_frames / n_samples) * (0.5 * n * (n - 1))
            whole, by_left, by_right = moments[b, i]
            f0_bar[b, i] += scale * (by_left + later * (n - right))
            f0_bar[b, after] += scale * (by_right + later * right)
            later += whole
