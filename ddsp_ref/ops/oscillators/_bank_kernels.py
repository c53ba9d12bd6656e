"""The kernels of oscillator banks, whose controls come at sample rate: chunks and small tiles."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed, ranges, run_parts
from ddsp_ref.ops.oscillators._series import SIN

CHUNK = 1 << 18  # partials x samples that one thread takes at a time
SAMPLES = 1 << 16  # at most so many samples: a running sum starts from an exact one after each
MANY = 1 << 20  # turns, more than a sum over such a part has
WRAP = 32  # samples after which a running sum is wrapped, so that it keeps its digits
TILE = 2048  # partials x samples per inner loop: its buffers stay in the first-level cache
COLUMNS = 32  # partials that one thread takes at a time in the running sum of the gradient


# Indices are plain loop variables, and flat arrays are sliced: the compiler has to see that an
# index is not negative, or it makes no vector code.


@njit
def _chunk_turns(frequencies, sample_rate, b, chunk, first, last, turns):
    """Fill turns[b, chunk] with the sum of frequencies over samples first ... last - 1, wrapped.

    What each addition rounds off is summed up apart, so that the result is rounded once. The sum
    starts from many turns: it has to be larger than the frequency for `own` to be exact.
    """
    total = np.full(frequencies.shape[2], sample_rate * MANY)
    lost = np.zeros(len(total))
    for t in range(first, last):
        for k in range(len(total)):
            hz, before = float(frequencies[b, t, k]), total[k]
            after = before + hz
            own = after - before
            lost[k] += hz - own
            total[k] = after
    for k in range(len(total)):
        wrapped = total[k] - sample_rate * np.floor(total[k] / sample_rate)
        turns[b, chunk, k] = wrapped + lost[k]


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


@njit
def _fill_phases(frequencies, sample_rate, harmonic, b, t, n, now, cycles):
    """Move phases `now` (cycles times sample rate) on by n samples; write them down in cycles."""
    rate = 1 / sample_rate
    for j in range(n):
        if harmonic:
            now[0] += frequencies[b, t + j, 0]
            fundamental = now[0] * rate
            for k in range(cycles.shape[1]):
                cycles[j, k] = (k + 1) * fundamental
        else:
            for k in range(cycles.shape[1]):
                phase = now[k] + frequencies[b, t + j, k]
                now[k] = phase
                cycles[j, k] = phase * rate
        if j % WRAP == WRAP - 1 or j == n - 1:
            for k in range(len(now)):
                now[k] -= sample_rate * np.floor(now[k] / sample_rate)


@njit_relaxed
def _waves(levels, frequencies, nyquist, masked, cycles):
    """Turn phases into waves; arrays are flat, so that few partials are vector code too."""
    if masked:
        for i in range(len(levels)):
            level = levels[i] if frequencies[i] < nyquist else 0.0
            cycles[i] = level * _cosine(cycles[i] - 0.25)
    else:
        for i in range(len(levels)):
            cycles[i] = levels[i] * _cosine(cycles[i] - 0.25)


@njit_relaxed
def _add_up(waves, b, t, n, y):
    """Sum the partials of n samples, or copy them."""
    for j in range(n):
        if y.shape[2] < waves.shape[1]:
            total = 0.0
            for k in range(waves.shape[1]):
                total += waves[j, k]
            y[b, t + j, 0] = total
        else:
            for k in range(waves.shape[1]):
                y[b, t + j, k] = waves[j, k]


@njit
def _synthesize(
    frequencies, amplitudes, start, sample_rate, nyquist, harmonic, b, chunk, first, last, y
):
    """Write samples first ... last - 1 of batch element b; y has one column or one each."""
    n_samples, n_partials = amplitudes.shape[1:]
    now = start[b, chunk].copy()
    size = max(1, TILE // n_partials)
    tile = np.empty((size, n_partials))
    cycles, levels, flat = tile.reshape(-1), amplitudes.reshape(-1), frequencies.reshape(-1)
    for t in range(first, last, size):
        n = min(size, last - t)
        _fill_phases(frequencies, sample_rate, harmonic, b, t, n, now, tile)
        here = (b * n_samples + t) * n_partials
        stop = here + n * n_partials
        _waves(levels[here:stop], flat[here:stop], nyquist, not harmonic, cycles)
        _add_up(tile, b, t, n, y)


@njit_relaxed
def _pull_waves(levels, frequencies, nyquist, masked, cycles, bars, levels_bar):
    """Write cotangents of levels; put those of phase, in radians, in place of the phases."""
    if masked:
        for i in range(len(levels)):
            bars[i] = bars[i] if frequencies[i] < nyquist else 0.0
    for i in range(len(levels)):
        sine, cosine = _cosine(cycles[i] - 0.25), _cosine(cycles[i])
        levels_bar[i] = bars[i] * sine
        cycles[i] = bars[i] * levels[i] * cosine


@njit_relaxed
def _collect(phases_bar, harmonic, b, t, n, frequencies_bar):
    """Hand the cotangents of the phases of n samples on; partial k turns k times as fast."""
    for j in range(n):
        if harmonic:
            total = 0.0
            for k in range(phases_bar.shape[1]):
                total += (k + 1) * phases_bar[j, k]
            frequencies_bar[b, t + j, 0] = total
        else:
            for k in range(phases_bar.shape[1]):
                frequencies_bar[b, t + j, k] = phases_bar[j, k]


@njit
def _pull(
    frequencies, amplitudes, start, sample_rate, nyquist, harmonic, b, chunk, first, last,
    y_bar, amplitudes_bar, frequencies_bar,
):  # fmt: skip
    """Pull back to amplitudes, and to the phase of each sample, which goes to frequencies_bar."""
    n_samples, n_partials = amplitudes.shape[1:]
    summed = y_bar.shape[2] == 1
    now = start[b, chunk].copy()
    size = max(1, TILE // n_partials)
    tile, bars = np.empty((size, n_partials)), np.empty((size, n_partials))
    cycles, flat_bars = tile.reshape(-1), bars.reshape(-1)
    levels, flat = amplitudes.reshape(-1), frequencies.reshape(-1)
    levels_bar = amplitudes_bar.reshape(-1)
    for t in range(first, last, size):
        n = min(size, last - t)
        _fill_phases(frequencies, sample_rate, harmonic, b, t, n, now, tile)
        for j in range(n):
            for k in range(n_partials):
                bars[j, k] = y_bar[b, t + j, 0] if summed else y_bar[b, t + j, k]
        here = (b * n_samples + t) * n_partials
        stop = here + n * n_partials
        _pull_waves(
            levels[here:stop], flat[here:stop], nyquist, not harmonic, cycles, flat_bars,
            levels_bar[here:stop],
        )  # fmt: skip
        _collect(tile, harmonic, b, t, n, frequencies_bar)


@njit
def _sum_from_the_end(frequencies_bar, sample_rate, b, first, last, later):
    """Turn cotangents of phase into those of frequency; later[b] holds what comes after."""
    scale = 2 * math.pi / sample_rate
    columns, total = frequencies_bar[b, :, first:last], later[b, first:last].copy()
    for t in range(len(columns) - 1, -1, -1):
        for k in range(len(total)):
            total[k] += columns[t, k]
            columns[t, k] = scale * total[k]
    for k in range(len(total)):
        later[b, first + k] = total[k]


def bank_vjp(frequencies, amplitudes, initial, *, sample_rate, nyquist, harmonic, summed):
    """Return audio, final phases (wrapped, in cycles), and a pullback of both.

    amplitudes have shape (batch, n_samples, n_partials); frequencies the same or, with
    `harmonic`, one column of which the partials are multiples, without a limit. Initial phases
    in cycles have shape (batch, columns of frequencies). Audio has one column or one each.
    """
    n_batch, n_samples, n_partials = amplitudes.shape
    n_frequencies, rate = frequencies.shape[2], float(sample_rate)
    chunks = ranges(n_samples, max(1, min(CHUNK // n_partials, SAMPLES)))
    parts = [(b, c, *chunk) for b in range(n_batch) for c, chunk in enumerate(chunks)]
    turns = np.empty((n_batch, len(chunks), n_frequencies))
    run_parts(_chunk_turns, [(frequencies, rate, *part, turns) for part in parts])
    # what lies before each chunk, and before the end; wrapped on the way, so that it stays exact
    start = np.empty((n_batch, len(chunks) + 1, n_frequencies))
    start[:, 0] = initial * rate % rate
    for c in range(len(chunks)):
        start[:, c + 1] = (start[:, c] + turns[:, c]) % rate
    setting = (frequencies, amplitudes, start, rate, float(nyquist), harmonic)
    y = np.empty((n_batch, n_samples, 1 if summed else n_partials), amplitudes.dtype)
    run_parts(_synthesize, [(*setting, *part, y) for part in parts])

    def pullback(y_bar, final_bar=None):
        amplitudes_bar = np.empty_like(amplitudes)
        frequencies_bar = np.empty(frequencies.shape, amplitudes.dtype)
        results = (y_bar.reshape(y.shape), amplitudes_bar, frequencies_bar)
        run_parts(_pull, [(*setting, *part, *results) for part in parts])
        later = np.zeros((n_batch, n_frequencies))
        if final_bar is not None:
            later += final_bar / (2 * math.pi)
        columns = [(b, *part) for b in range(n_batch) for part in ranges(n_frequencies, COLUMNS)]
        run_parts(_sum_from_the_end, [(frequencies_bar, rate, *part, later) for part in columns])
        return frequencies_bar, amplitudes_bar, 2 * math.pi * later

    return y, start[:, -1] / rate, pullback
