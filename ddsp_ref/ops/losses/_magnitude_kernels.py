"""The spectral loss of everyday, fast: L1 of magnitudes and of their logarithms.

A part of the signals is cut in eight segments, which are laid side by side once: a row holds one
sample of each. Then the eight frames that are transformed together, one from every segment, are a
run of rows, whatever the size of the transform, and stay in the cache of a core all the way from
cutting to adding up what they pull with.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed, ranges, run_parts
from ddsp_ref.ops.spectral._fft import (
    LANES,
    backward,
    forward,
    from_lanes,
    places,
    to_lanes,
    turns,
)
from ddsp_ref.ops.spectral._tables import hann_window

from ._magnitude_bins import BLOCK, HUGE, RUN, SCRATCH, SUMS, TINY, compare_spectra, log_ratio

_SEGMENT = 2048  # samples; those of a part, both signals and what they pull with, take 0.5 MB


@njit
def _side_by_side(signal, first, segment, n_rows):
    """Return rows of the samples from `first` on, one of each segment; 0 behind the signal."""
    pieces = np.zeros((LANES, n_rows), signal.dtype)
    for lane in range(LANES):
        start = min(first + lane * segment, signal.size)
        piece, own = pieces[lane], signal[start : start + n_rows]
        for i in range(own.size):
            piece[i] = own[i]
    rows = np.empty(n_rows * LANES, signal.dtype)
    to_lanes(pieces, rows)
    return rows


@njit
def _add_up_rows(rows, first, segment, signal, tail):
    """Add rows to the samples from `first` on; what reaches into the next part goes to `tail`."""
    n_rows = rows.size // LANES
    pieces = np.empty((LANES, n_rows), rows.dtype)
    from_lanes(rows, pieces)
    stop = min(first + LANES * segment, signal.size)
    for lane in range(LANES):
        start = min(first + lane * segment, stop)
        piece, own = pieces[lane], signal[start : min(start + n_rows, stop)]
        for i in range(own.size):
            own[i] += piece[i]
        behind = (LANES - lane) * segment
        for i in range(behind, n_rows):
            tail[i - behind] += piece[i]


@njit_relaxed
def _weigh(window, rows, work):
    for i in range(window.size):
        work[i] = window[i] * rows[i]


@njit_relaxed
def _add_weighed(window, work, rows):
    for i in range(window.size):
        rows[i] += window[i] * work[i]


@njit
def _compare_part(rows, bars, wanted, first, segment, n_samples, window, factors, tables, exact):
    """Compare all frames that begin in a part; add what they pull with to the rows `bars`.

    Returns the sums of the differences of magnitudes, and of their logarithms.
    """
    hop, dtype = window.size // LANES // 4, window.dtype
    works = np.empty((2, window.size), dtype)
    # zeros, because the last run of pairs leaves room that is worked on all the same
    scratches = np.zeros(SCRATCH, dtype), np.zeros(SCRATCH, np.float64)
    sums, exponents = np.empty(SUMS), np.zeros(2 * RUN, np.uint64)
    sums[:RUN] = 0.0
    sums[RUN:] = 1.0
    bits = sums.view(np.uint64)
    numbers = exact.astype(dtype)
    for start in range(0, min(segment, n_samples - first), hop):
        for w in range(2):
            _weigh(window, rows[w][start * LANES :], works[w])
            for lane in range(LANES):  # frames that are not there: equal, and far from 0
                if first + lane * segment + start >= n_samples:
                    works[w, lane] = 1
            forward(works[w], factors)
        compare_spectra(works, tables, scratches, numbers, exact, wanted, sums, bits, exponents)
        for w in range(2):
            if wanted[w]:
                backward(works[w], factors)
                _add_weighed(window, works[w], bars[w][start * LANES :])
    return np.sum(sums[:RUN]), log_ratio(sums, exponents)


@lru_cache(maxsize=32)
def _window(size, dtype):
    """Return the window, each weight once per lane."""
    window = np.repeat(hann_window(size, dtype), LANES)
    window.flags.writeable = False
    return window


@lru_cache(maxsize=32)
def _tables(size, dtype):
    """Return where bins k and n - k stand, and the cosines and sines of k, in the order of runs.

    See `_magnitude_bins.BLOCK`: the first run is what is left over by the others.
    """
    n = size // 2
    k, where = np.arange(n // 2 + 1), places(size)
    k = np.where(where[k] <= where[-k], k, n - k)  # of each pair, the bin that stands before
    k = k[np.argsort(where[k % n])]
    own, mirror = where[k % n], where[-k % n]
    runs, rest = [], []
    i = 0
    while i < k.size:
        j = i + BLOCK - 1
        if j < k.size and own[j] - own[i] == BLOCK - 1 and mirror[i] - mirror[j] == BLOCK - 1:
            runs += range(i, j + 1)
            i = j + 1
        else:
            rest.append(i)
            i += 1
    order = np.array(rest + runs)
    angle = -2 * np.pi * k[order] / size
    found = [own[order], mirror[order], np.cos(angle).astype(dtype), np.sin(angle).astype(dtype)]
    for table in found:
        table.flags.writeable = False
    return tuple(found)


def magnitude_distance(signals, bars, wanted, fft_sizes, mag_weight, log_weight, add, floor):
    """Return the distance of each pair of signals, float64; add the cotangents to the bars.

    `signals` are target and audio, both (batch, n_samples); `bars` those of them that are
    `wanted`. Logarithms are those of the magnitude plus `add`, or of `floor` where that is 0.
    """
    n_batch, n_samples = signals[0].shape
    dtype = signals[0].dtype
    # of values that are not only magnitudes, products may be anything
    low, high = (TINY, HUGE) if add < math.sqrt(HUGE) else (HUGE, TINY)
    longest = max(fft_sizes)
    hop = longest // 4
    segment = min(max(_SEGMENT // hop, 1), -(-n_samples // (LANES * hop))) * hop
    parts = ranges(n_samples, LANES * segment)
    sums = np.zeros((n_batch, len(parts)))
    tails = np.zeros((2, n_batch, len(parts), longest), dtype)

    def part(b, i):
        first, n_rows = parts[i][0], segment + longest
        rows = tuple(_side_by_side(signal[b], first, segment, n_rows) for signal in signals)
        row_bars = tuple(np.zeros(n_rows * LANES if want else 0, dtype) for want in wanted)
        for size in fft_sizes:
            n_values = -(-n_samples // (size // 4)) * (size // 2 + 1)
            weights = mag_weight / n_values, log_weight / n_values
            gaps, log_gaps = _compare_part(
                rows, row_bars, wanted, first, segment, n_samples, _window(size, dtype),
                turns(size, dtype), _tables(size, dtype),
                np.array([add, floor, weights[0] / 2, weights[1] / 2, low, high, 1.0]),
            )  # fmt: skip
            sums[b, i] += weights[0] * gaps + weights[1] * log_gaps
        for w in range(2):
            if wanted[w]:
                _add_up_rows(row_bars[w], first, segment, bars[w][b], tails[w, b, i])

    run_parts(part, [(b, i) for b in range(n_batch) for i in range(len(parts))])
    for w in range(2):
        for i, (_, stop) in enumerate(parts if wanted[w] else ()):
            reached = bars[w][:, stop : stop + longest]
            reached += tails[w, :, i, : reached.shape[1]]
    return sums.sum(axis=1)
