"""The spectral loss of everyday, fast: L1 of magnitudes and of their logarithms.

Eight frames at a time are cut, transformed, compared, and what they pull with transformed back
and added up, without leaving the cache of a core.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ddsp_ref.jit import njit, ranges
from ddsp_ref.ops.spectral._fft import (
    LANES,
    backward,
    forward,
    from_lanes,
    places,
    to_lanes,
    turns,
)
from ddsp_ref.ops.spectral._frames import add_frames, cut_frames, run_in_turns
from ddsp_ref.ops.spectral._tables import hann_window

from ._magnitude_bins import BLOCK, HUGE, RUN, SCRATCH, SUMS, TINY, compare_spectra, log_ratio

_PART = 8192  # samples in one part of the work, and at least the largest of the transforms


@njit
def _compare_run(signals, bars, wanted, b, first, last, window, factors, tables, exact):
    """Compare the frames first ... last - 1 of signals[:, b]; add cotangents to `bars`.

    Returns the sums of the differences of magnitudes, and of their logarithms.
    """
    hop, dtype = window.size // 4, window.dtype
    frames = np.empty((LANES, window.size), dtype)
    works = np.empty((2, window.size * LANES), dtype)
    scratches = np.empty(SCRATCH, dtype), np.empty(SCRATCH, np.float64)
    sums, exponents = np.empty(SUMS), np.zeros(2 * RUN, np.uint64)
    sums[:RUN] = 0.0
    sums[RUN:] = 1.0
    bits = sums.view(np.uint64)
    numbers = exact.astype(dtype)
    for f in range(first, last, LANES):
        n_own = min(LANES, last - f)
        for w in range(2):
            cut_frames(signals[w][b], window, f * hop, hop, frames[:n_own])
            frames[n_own:] = 0
            to_lanes(frames, works[w])
            forward(works[w], factors)
        compare_spectra(works, tables, scratches, numbers, exact, wanted, sums, bits, exponents)
        for w in range(2):
            if wanted[w]:
                backward(works[w], factors)
                from_lanes(works[w], frames)
                add_frames(frames[:n_own], window, f * hop, hop, bars[w][b])
    return np.sum(sums[:RUN]), log_ratio(sums, exponents)


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
    chunks = ranges(n_samples, max(_PART, max(fft_sizes)))
    sums = np.zeros((n_batch, len(chunks)))

    def part(b, i):
        for size in fft_sizes:
            hop = size // 4
            n_values = -(-n_samples // hop) * (size // 2 + 1)
            weights = mag_weight / n_values, log_weight / n_values
            first, last = (-(-end // hop) for end in chunks[i])
            gaps, log_gaps = _compare_run(
                signals, bars, wanted, b, first, last, hann_window(size, dtype),
                turns(size, dtype), _tables(size, dtype),
                np.array([add, floor, weights[0] / 2, weights[1] / 2, low, high, 1.0]),
            )  # fmt: skip
            sums[b, i] += weights[0] * gaps + weights[1] * log_gaps

    run_in_turns(part, n_batch, len(chunks))
    return sums.sum(axis=1)
