"""An oscillator that reads its waveform from tables, as one fused kernel."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, run_parts
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.oscillators._amplitude_methods import DEFINITIONS, check_synthesis
from ddsp_ref.ops.oscillators._phases import frame_phases, pull_frequencies


def define(
    f0_hz,
    amplitudes,
    wavetables,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="window",
    xp=np,
):
    """Read wavetables at the pace of a gliding fundamental frequency.

    ``y[t] = A[t] lookup(w_t, phi[t])``, with ``phi[t] = sum_{s < t} f0[s] / sample_rate mod 1``,
    so that the first sample is point 0 of the table; see `linear_lookup`. Frequency and tables go
    from frames to samples by straight lines.

    Parameters
    ----------
    f0_hz : array, shape (..., n_frames)
        Fundamental frequency in Hz; linear between frames, the last one held.
    amplitudes : array, shape (..., n_frames)
        Amplitude, linear scale.
    wavetables : array, shape (..., n_tables, n_wavetable)
        One cycle of the sound at n_tables equally spaced times; 1 for a sound that stays.
    n_samples : int
        Length of the audio, a multiple of n_frames; frame i sits at ``i * n_samples / n_frames``.
    sample_rate : float
        Samples per second, positive.
    amp_resample_method : {"window", "linear", "nearest", "cubic"}
        How amplitudes go to sample rate: overlapping Hann windows, straight lines, steps, or
        cubics with the settings of `resample_cubic`.

    Returns
    -------
    array, shape (..., n_samples)
        Audio. Partials of the table above half the sample rate alias.

    Raises
    ------
    ParameterError
        If n_samples is no multiple of n_frames.

    Notes
    -----
    Gradient: the one of f0 is a sum over all later samples, so it grows with length. On a point
    of the table, where the slope jumps, it is taken as 0, as in the source.
    Precision: phase is a wrapped float64 sum of Hz, exact for whole numbers of Hz. Memory is that
    of the inputs and the audio; no array has samples and table points.
    Differences: magenta sums float32 phase. It needs a table for every sample and all of its
    points at once. Amplitudes always go by windows there.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, wavetable_synthesis.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ramp, one = np.array([[0.0, 1.0, 2.0, 3.0]]), np.ones(1)
    >>> ddsp_ref.wavetable_synthesis(2000 * one, one, ramp, n_samples=8)
    array([0. , 0.5, 1. , 1.5, 2. , 2.5, 3. , 1.5])
    """
    n_frames, (n_tables, n_wavetable) = len(f0_hz), wavetables.shape

    def between(n):
        ticks = np.arange(n_samples) * n
        left = ticks // n_samples
        return left, np.minimum(left + 1, n - 1), (ticks % n_samples) / n_samples

    left, right, fraction = between(n_frames)
    f0 = (1 - fraction) * f0_hz[left] + fraction * f0_hz[right]
    resample = DEFINITIONS[amp_resample_method]
    envelope = resample(amplitudes[:, None], n_samples=n_samples, xp=xp)[:, 0]
    phase = xp.concatenate([np.zeros(1), xp.cumsum(f0 / sample_rate)[:-1]]) % 1.0

    left, right, fraction = between(n_tables)
    share = fraction[:, None]
    tables = (1 - share) * wavetables[left] + share * wavetables[right]
    closed = xp.concatenate([tables, tables[:, :1]], axis=1)
    distance = xp.abs(phase[:, None] * n_wavetable - np.arange(n_wavetable + 1))
    return envelope * xp.sum(xp.where(distance < 1, 1 - distance, 0.0) * closed, axis=1)


@njit
def _fill_levels(amplitudes, weights, b, i, levels):
    """Fill the amplitudes of the samples of frame i, a weighted sum over four frames."""
    last = amplitudes.shape[1] - 1
    one, two = float(amplitudes[b, max(i - 1, 0)]), float(amplitudes[b, i])
    three, four = float(amplitudes[b, min(i + 1, last)]), float(amplitudes[b, min(i + 2, last)])
    before, own, next_, after = weights[0], weights[1], weights[2], weights[3]
    for j in range(len(levels)):
        levels[j] = own[j] * two + next_[j] * three + before[j] * one + after[j] * four


@njit
def _kernel(f0_hz, amplitudes, wavetables, phases, sample_rate, weights, b, y):
    """Write y[b]; weights[:, j] are those of frames i - 1 to i + 2, j samples after frame i."""
    n_frames, (n_tables, n_wavetable) = f0_hz.shape[1], wavetables.shape[1:]
    hop, n_samples = weights.shape[1], y.shape[1]
    levels = np.empty(hop)
    table, rest = 0, 0  # place among the tables
    for i in range(n_frames):
        start, here = phases[b, i, 0], float(f0_hz[b, i])
        slope = float(f0_hz[b, min(i + 1, n_frames - 1)]) - here
        _fill_levels(amplitudes, weights, b, i, levels)
        for j in range(hop):
            cycles = (start + j * here + slope * (0.5 * j * (j - 1) / hop)) / sample_rate
            place = (cycles - np.floor(cycles)) * n_wavetable
            place = place if 0 <= place < n_wavetable else 0.0
            left = int(place)
            part = place - left
            right = left + 1 if left + 1 < n_wavetable else 0
            share, next_table = rest / n_samples, min(table + 1, n_tables - 1)
            one = float(wavetables[b, table, left])
            one += share * (float(wavetables[b, next_table, left]) - one)
            two = float(wavetables[b, table, right])
            two += share * (float(wavetables[b, next_table, right]) - two)
            y[b, i * hop + j] = levels[j] * (one + part * (two - one))
            rest += n_tables
            while rest >= n_samples:
                rest -= n_samples
                table += 1


@njit
def _kernel_vjp(
    f0_hz, amplitudes, wavetables, phases, sample_rate, weights, b, y_bar, sums, amplitudes_bar,
    wavetables_bar,
):  # fmt: skip
    """Add up cotangents of amplitudes and tables; the last three of sums[b, i] hold that of phase.

    They are sums over the frame of the cotangent p of phase (in radians): of p, and of p times
    the phase that 1 Hz in the left and in the right frame adds up to by then.
    """
    n_frames, (n_tables, n_wavetable) = f0_hz.shape[1], wavetables.shape[1:]
    hop, n_samples = weights.shape[1], y_bar.shape[1]
    levels = np.empty(hop)
    table, rest = 0, 0
    for i in range(n_frames):
        start, here = phases[b, i, 0], float(f0_hz[b, i])
        slope = float(f0_hz[b, min(i + 1, n_frames - 1)]) - here
        _fill_levels(amplitudes, weights, b, i, levels)
        for j in range(hop):
            cycles = (start + j * here + slope * (0.5 * j * (j - 1) / hop)) / sample_rate
            place = (cycles - np.floor(cycles)) * n_wavetable
            place = place if 0 <= place < n_wavetable else 0.0
            left = int(place)
            part = place - left
            right = left + 1 if left + 1 < n_wavetable else 0
            share, next_table = rest / n_samples, min(table + 1, n_tables - 1)
            one = float(wavetables[b, table, left])
            one += share * (float(wavetables[b, next_table, left]) - one)
            two = float(wavetables[b, table, right])
            two += share * (float(wavetables[b, next_table, right]) - two)
            bar, level = float(y_bar[b, i * hop + j]), levels[j]
            levels[j] = bar * (one + part * (two - one))  # from here on its own cotangent
            one_bar, two_bar = (1 - part) * level * bar, part * level * bar
            wavetables_bar[b, table, left] += (1 - share) * one_bar
            wavetables_bar[b, table, right] += (1 - share) * two_bar
            wavetables_bar[b, next_table, left] += share * one_bar
            wavetables_bar[b, next_table, right] += share * two_bar
            if part > 0:  # on a point of the table the slope is taken as 0
                p = bar * level * (two - one) * n_wavetable / (2 * math.pi)
                by_right = 0.5 * j * (j - 1) / hop
                sums[b, i, 0, 2] += p
                sums[b, i, 0, 3] += p * (j - by_right)
                sums[b, i, 0, 4] += p * by_right
            rest += n_tables
            while rest >= n_samples:
                rest -= n_samples
                table += 1
        for m in range(4):
            total, own = 0.0, weights[m]
            for j in range(hop):
                total += own[j] * levels[j]
            amplitudes_bar[b, min(max(i + m - 1, 0), n_frames - 1)] += total


def _weights(hop, method):
    """Return the weights of frames i - 1 to i + 2 for the samples from frame i to the next."""
    j, none = np.arange(hop), np.zeros(hop)
    if method == "cubic":
        r = np.round(j * 1024 / hop) / 1024
        q = 1.0 - r
        before, after = -0.75 * r * q * q, -0.75 * r * r * q
        next_ = 1.0 + q * q * (1.25 * q - 2.25)
        return np.stack([before, 1.0 - before - next_ - after, next_, after])
    rise = {"window": np.sin(np.pi / (2 * hop) * j) ** 2, "linear": j / hop, "nearest": none}[
        method
    ]
    return np.stack([none, 1.0 - rise, rise, none])


def vjp(
    f0_hz, amplitudes, wavetables, *, n_samples, sample_rate=16000, amp_resample_method="window"
):
    n_batch, n_frames = f0_hz.shape
    weights = _weights(n_samples // n_frames, amp_resample_method)
    phases = np.empty((n_batch, n_frames + 1, 1))
    hz, none = f0_hz[..., None].astype(np.float64), np.zeros((n_batch, 1))
    frame_phases(hz, none, n_samples, float(sample_rate), phases)
    setting = (f0_hz, amplitudes, wavetables, phases, float(sample_rate), weights)
    y = np.empty((n_batch, n_samples), f0_hz.dtype)
    run_parts(_kernel, [(*setting, b, y) for b in range(n_batch)])

    def pullback(y_bar):
        sums, amplitudes_bar = np.zeros((n_batch, n_frames, 1, 5)), np.zeros(f0_hz.shape)
        wavetables_bar = np.zeros(wavetables.shape)
        results = (y_bar, sums, amplitudes_bar, wavetables_bar)
        run_parts(_kernel_vjp, [(*setting, b, *results) for b in range(n_batch)])
        f0_bar, later = np.zeros((n_batch, n_frames, 1)), np.zeros((n_batch, 1))
        pull_frequencies(sums, n_samples, float(sample_rate), later, f0_bar)
        return f0_bar[..., 0], amplitudes_bar, wavetables_bar

    return y, pullback


def check(dims, *, n_samples, sample_rate=16000, amp_resample_method="window"):
    n_frames = dims["n_frames"]
    check_synthesis(n_frames, n_samples, sample_rate, amp_resample_method)
    nearest = max(1, round(n_samples / n_frames)) * n_frames
    require(
        n_samples % n_frames == 0,
        f"n_samples is {n_samples}, must be a multiple of n_frames={n_frames}, e.g. {nearest}",
    )


def cases():
    def controls(n_frames, n_tables, n_wavetable):
        i = np.arange(n_frames)
        tables = np.sin(1 + np.arange(1.0 * n_tables * n_wavetable))
        return [317 + 100 * np.cos(i), 1 + 0.5 * np.sin(i), tables.reshape(n_tables, n_wavetable)]

    # 1/8 cycle per sample, then 1/4 at frame 1: phases 0, 2, 5, 9 sixteenths are 0, 1/2, 5/4, 9/4
    # of four points: 1, 2, 3.5, 6. Amplitudes, half-way between frames: 2, 3, 4, 4.
    glide, table = [np.array([2.0, 4.0]), np.array([2.0, 4.0])], np.array([[1.0, 3.0, 5.0, 9.0]])
    by_hand = np.array([2.0, 3.0, 4.0, 4.0]) * np.array([1.0, 2.0, 3.5, 6.0])
    # the phase stands still at point 0, the table moves on: 1, 2, 3, 3
    two = [np.zeros(1), np.ones(1), np.array([[1.0, 0.0], [3.0, 0.0]])]
    return [
        Case("by hand", [*glide, table], {"n_samples": 4, "sample_rate": 16}, by_hand),
        Case("by hand, two tables", two, {"n_samples": 4}, np.array([1.0, 2.0, 3.0, 3.0]),
             grad=False),
        Case("one table", controls(4, 1, 8), {"n_samples": 40}),
        Case("a table for each frame", controls(4, 4, 8), {"n_samples": 40}),
        Case("linear", controls(4, 2, 8), {"n_samples": 40, "amp_resample_method": "linear"}),
        Case("nearest", controls(4, 2, 8), {"n_samples": 40, "amp_resample_method": "nearest"}),
        Case("cubic", controls(4, 2, 8), {"n_samples": 120, "amp_resample_method": "cubic"}),
        Case("cubic, one frame", controls(1, 2, 8),
             {"n_samples": 30, "amp_resample_method": "cubic"}),
        # half-way between frames the weights are -3, 19, 19, -3 of 32: 54, 35 and -6
        Case("by hand, cubic", [np.zeros(3), np.array([32.0, 64.0, 0.0]), np.ones((1, 1))],
             {"n_samples": 6, "amp_resample_method": "cubic"},
             np.array([32.0, 54.0, 64.0, 35.0, 0.0, -6.0]), grad=False),
        Case("another number of tables", controls(2, 5, 6), {"n_samples": 44}),
        Case("more tables than samples", controls(2, 7, 6), {"n_samples": 4}),
        Case("faster than the sample rate", controls(2, 1, 6),
             {"n_samples": 20, "sample_rate": 150}),
        Case("one frame", controls(1, 1, 6), {"n_samples": 30}),
        Case("one point", controls(2, 1, 1), {"n_samples": 6}, grad=False),
        Case("no multiple", controls(4, 1, 8), {"n_samples": 30},
             error="n_frames=4 for the method 'window', e.g. 32"),
        Case("no multiple, linear", controls(4, 1, 8),
             {"n_samples": 30, "amp_resample_method": "linear"}, error="n_frames=4, e.g. 32"),
        Case("no samples", controls(4, 1, 8), {"n_samples": 0}, error="n_samples is 0"),
        Case("unknown method", controls(4, 1, 8),
             {"n_samples": 8, "amp_resample_method": "spline"}, error="'nearest' or 'cubic'"),
        Case("no rate", controls(4, 1, 8), {"n_samples": 8, "sample_rate": 0},
             error="sample_rate is 0"),
        Case("table without axis", [np.ones(2), np.ones(2), np.ones(8)], {"n_samples": 8},
             error=r"wavetables has shape \(8,\)"),
    ]  # fmt: skip


wavetable_synthesis = Op(
    "wavetable_synthesis",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames),(n_frames),(n_tables,n_wavetable)->(n_samples)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, wavetable_synthesis",
)
