"""The spectral loss of everyday, fast: L1 of magnitudes and of their logarithms.

Eight frames at a time are cut, transformed, compared, and what they pull with transformed back
and added up, without leaving the cache of a core. The spectra of two bins k and n - k come out of
one pair of rows of the transform, are compared at once, and their cotangents go back into it.

Logarithms are not taken of values but of products of values: the sum of |log y - log t| is the
logarithm of the product of the larger over the product of the smaller ones.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed, ranges
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

_PART = 8192  # samples in one part of the work, and at least the largest of the transforms
# Squares of magnitudes between these are safe in float32, products of two magnitudes as well.
_TINY, _HUGE = 1e-30, 1e30
# Pairs of bins are compared in runs: loops over rows of this length, one bin and frame beside the
# other, all in one array, become vector code.
_PAIRS = 16
_RUN = _PAIRS * LANES
# Rows of the scratch: real and imaginary parts of bins k, then of bins n - k, of the target, then
# of the audio; magnitudes of both bins of both; what logarithms are taken of; slopes.
_TARGET, _AUDIO, _MAGS, _LIFTED, _SLOPES = range(0, 20 * _RUN, 4 * _RUN)
_SCRATCH = 20 * _RUN
# Rows of the sums, float64: of the gaps, and the products of the larger and the smaller values.
_GAPS, _LARGER, _SMALLER = range(0, 6 * _RUN, 2 * _RUN)
_SUMS = 6 * _RUN
# What a positive float64 is made of: a power of two in the bits from here on, and below it [1, 2).
_MANTISSA = np.uint64(52)
_BELOW_POWER = np.uint64((1 << 52) - 1)
_POWER_0 = np.uint64(1023 << 52)
_LOG_2 = math.log(2.0)


@njit
def _copy_lanes(source, target, words):
    for i in range(0, words, 4):
        for j in range(i, i + 4):
            target[j] = source[j]


@njit
def _gather(work, rows, mirrored, scratch, at, words):
    """Copy the rows of a run of pairs to row `at` of the scratch and the three after it.

    All is seen as numbers of 64 bits, `words` of them to the lanes: half as many to copy.
    Pairs that are missing at the end are left as they are.
    """
    run = _PAIRS * words
    for p in range(rows.size):
        own = scratch[at * run + p * words :]
        row = work[2 * rows[p] * words :]
        _copy_lanes(row, own, words)
        _copy_lanes(row[words:], own[run:], words)
        row = work[2 * mirrored[p] * words :]
        _copy_lanes(row, own[2 * run :], words)
        _copy_lanes(row[words:], own[3 * run :], words)


@njit
def _scatter(scratch, at, rows, mirrored, work, words):
    """Copy the rows of a run of pairs back, see `_gather`."""
    run = _PAIRS * words
    for p in range(rows.size):
        own = scratch[at * run + p * words :]
        row = work[2 * rows[p] * words :]
        _copy_lanes(own, row, words)
        _copy_lanes(own[run:], row[words:], words)
        row = work[2 * mirrored[p] * words :]
        _copy_lanes(own[2 * run :], row, words)
        _copy_lanes(own[3 * run :], row[words:], words)


@njit_relaxed
def _unzip(scratch, at, cosines, sines, half):
    """Turn rows of the complex transform into bins k and n - k of the real signals."""
    out = scratch[at : at + 4 * _RUN]
    for i in range(_RUN):
        c, s = cosines[i], sines[i]
        zr, zi, yr, yi = out[i], out[i + _RUN], out[i + 2 * _RUN], out[i + 3 * _RUN]
        er, ei, hr, hi = zr + yr, zi - yi, zi + yi, yr - zr
        tr, ti = hr * c - hi * s, hr * s + hi * c
        out[i], out[i + _RUN] = half * (er + tr), half * (ei + ti)
        out[i + 2 * _RUN], out[i + 3 * _RUN] = half * (er - tr), half * (ti - ei)


@njit_relaxed
def _zip(scratch, at, cosines, sines):
    """Turn halved cotangents of bins k and n - k into what transforms back to frames."""
    out = scratch[at : at + 4 * _RUN]
    for i in range(_RUN):
        c, s = cosines[i], sines[i]
        hr, hi, gr, gi = out[i], out[i + _RUN], out[i + 2 * _RUN], out[i + 3 * _RUN]
        er, ei, dr, di = hr + gr, hi - gi, hr - gr, hi + gi
        tr, ti = dr * c + di * s, di * c - dr * s
        out[i], out[i + _RUN] = er - ti, ei + tr
        out[i + 2 * _RUN], out[i + 3 * _RUN] = er + ti, tr - ei


@njit_relaxed
def _square(scratch):
    """Write the squared magnitudes; return whether float32 will do for them."""
    n_bad = 0
    for row in range(4):
        spectrum = scratch[2 * row * _RUN : 2 * (row + 1) * _RUN]
        powers = scratch[_MAGS + row * _RUN : _MAGS + (row + 1) * _RUN]
        for i in range(_RUN):
            power = spectrum[i] * spectrum[i] + spectrum[i + _RUN] * spectrum[i + _RUN]
            powers[i] = power
            n_bad += 0 if _TINY < power < _HUGE else 1
    return n_bad == 0


@njit_relaxed
def _lift(scratch, add, floor):
    """Replace squared magnitudes by magnitudes; write what their logarithms are taken of."""
    for i in range(4 * _RUN):
        mag = math.sqrt(scratch[_MAGS + i])
        scratch[_MAGS + i] = mag
        scratch[_LIFTED + i] = mag + add if mag + add > 0 else floor


@njit_relaxed
def _add_up(scratch, sums, bits, exponents):
    """Add up the differences."""
    for i in range(2 * _RUN):
        gap = scratch[_MAGS + 2 * _RUN + i] - scratch[_MAGS + i]
        sums[_GAPS + i] += np.float64(abs(gap))
    for i in range(2 * _RUN):
        one, other = scratch[_LIFTED + i], scratch[_LIFTED + 2 * _RUN + i]
        sums[_LARGER + i] *= np.float64(one if one > other else other)
        sums[_SMALLER + i] *= np.float64(other if one > other else one)
    # bring the products back to [1, 2), and add up the powers of two
    for i in range(4 * _RUN):
        exponents[i] += bits[_LARGER + i] >> _MANTISSA
    for i in range(4 * _RUN):
        bits[_LARGER + i] = bits[_LARGER + i] & _BELOW_POWER | _POWER_0


@njit_relaxed
def _slopes(scratch, add, weight, log_weight, both):
    """Write what the loss changes by with the spectra, over the spectra."""
    zero = weight * 0
    for i in range(2 * _RUN):
        target, value = scratch[_MAGS + i], scratch[_MAGS + 2 * _RUN + i]
        slope = weight if value > target else -weight
        slope = slope if value != target else zero
        lifted, higher = scratch[_LIFTED + i], scratch[_LIFTED + 2 * _RUN + i]
        log_slope = log_weight if higher > lifted else -log_weight
        log_slope = log_slope if higher != lifted else zero
        # slope / mag + log_slope / (mag + add) / mag, with one division instead of three
        gain, base = slope * (value + add) + log_slope, value * (value + add)
        scratch[_SLOPES + 2 * _RUN + i] = gain / base if base > 0 else zero
        if both:
            gain, base = slope * (target + add) + log_slope, target * (target + add)
            scratch[_SLOPES + i] = -gain / base if base > 0 else zero


@njit_relaxed
def _scale(scratch, start):
    """Multiply the spectra by their slopes, from row `start` on: those of the audio are 2 and 3."""
    for row in range(start, 4):
        slopes = scratch[_SLOPES + row * _RUN : _SLOPES + (row + 1) * _RUN]
        spectrum = scratch[2 * row * _RUN : 2 * (row + 1) * _RUN]
        for i in range(_RUN):
            spectrum[i] *= slopes[i]
            spectrum[i + _RUN] *= slopes[i]


@njit
def _compare(scratch, numbers, both, first, sums, bits, exponents):
    """Add up the differences of squared magnitudes; overwrite the spectra by their cotangents.

    `numbers` are `add`, `floor` and the weights of the cotangents, in the precision of the scratch.
    """
    _lift(scratch, numbers[0], numbers[1])
    _add_up(scratch, sums, bits, exponents)
    _slopes(scratch, numbers[0], numbers[2], numbers[3], both)
    start = 0 if both else 2  # what nobody asked for is not even written
    if first:  # bins 0 and Nyquist have no mirror image to share their cotangent with
        for row in range(start, 4):
            for i in range(LANES):
                scratch[_SLOPES + row * _RUN + i] *= 2
    _scale(scratch, start)


@njit
def _compare_spectra(works, tables, scratches, numbers, exact, wanted, sums, bits, exponents):
    """Compare the spectra of eight frames of target and audio; overwrite them by cotangents."""
    rows, mirrored, cosines, sines = tables
    small, large = scratches
    words = LANES * small.itemsize // 8
    small_words, half = small.view(np.uint64), small.dtype.type(0.5)
    for k in range(0, rows.size, _PAIRS):
        n = min(_PAIRS, rows.size - k)
        own, mirror = rows[k : k + n], mirrored[k : k + n]
        c, s = cosines[k * LANES : k * LANES + _RUN], sines[k * LANES : k * LANES + _RUN]
        for w in range(2):
            _gather(works[w].view(np.uint64), own, mirror, small_words, 4 * w, words)
            _unzip(small, 4 * w * _RUN, c, s, half)
        last = k + n == rows.size
        if last:  # the middle bin is its own mirror image, and there is nothing behind it
            for row in range(8):
                first = n if row % 4 < 2 else n - 1
                small[row * _RUN + first * LANES : (row + 1) * _RUN] = 1
        if _square(small):
            _compare(small, numbers, wanted[0], k == 0, sums, bits, exponents)
        else:  # in double precision: squares of float32 might vanish or overflow
            large[: 8 * _RUN] = small[: 8 * _RUN]
            _square(large)
            _compare(large, exact, wanted[0], k == 0, sums, bits, exponents)
            small[: 8 * _RUN] = large[: 8 * _RUN]
        for w in range(2):
            if wanted[w]:
                at = 4 * w * _RUN
                if last:
                    for i in range(at + (n - 1) * LANES, at + n * LANES):
                        small[i + 2 * _RUN], small[i + 3 * _RUN] = small[i], small[i + _RUN]
                _zip(small, at, c, s)
                _scatter(small_words, 4 * w, own, mirror, works[w].view(np.uint64), words)


@njit
def _compare_run(signals, bars, wanted, b, first, last, window, factors, tables, exact):
    """Compare the frames first ... last - 1 of signals[:, b]; add cotangents to `bars`.

    Returns the sums of the differences of magnitudes, and of their logarithms.
    """
    hop, dtype = window.size // 4, window.dtype
    frames = np.empty((LANES, window.size), dtype)
    works = np.empty((2, window.size * LANES), dtype)
    scratches = np.empty(_SCRATCH, dtype), np.empty(_SCRATCH, np.float64)
    sums, exponents = np.empty(_SUMS), np.zeros(4 * _RUN, np.uint64)
    sums[:_LARGER] = 0.0
    sums[_LARGER:] = 1.0
    bits = sums.view(np.uint64)
    numbers = exact.astype(dtype)
    for f in range(first, last, LANES):
        n_own = min(LANES, last - f)
        for w in range(2):
            cut_frames(signals[w][b], window, f * hop, hop, frames[:n_own])
            frames[n_own:] = 0
            to_lanes(frames, works[w])
            forward(works[w], factors)
        _compare_spectra(works, tables, scratches, numbers, exact, wanted, sums, bits, exponents)
        for w in range(2):
            if wanted[w]:
                backward(works[w], factors)
                from_lanes(works[w], frames)
                add_frames(frames[:n_own], window, f * hop, hop, bars[w][b])
    total, powers, ratio = 0.0, 0.0, 1.0
    for i in range(2 * _RUN):
        total += sums[_GAPS + i]
        ratio *= sums[_LARGER + i] / sums[_SMALLER + i]
        powers += np.float64(exponents[i]) - np.float64(exponents[i + 2 * _RUN])
    return total, math.log(ratio) + _LOG_2 * powers


@lru_cache(maxsize=32)
def _tables(size, dtype):
    """Return where bins k and n - k stand, k <= n / 2, and cos and sin for `_unzip`, by lanes."""
    n = size // 2
    k = np.arange(n // 2 + 1)
    angle = np.zeros(-(-k.size // _PAIRS) * _PAIRS)
    angle[: k.size] = -2 * np.pi * k / size
    found = [places(size)[k], places(size)[-k]]
    found += [np.repeat(f(angle), LANES).astype(dtype) for f in (np.cos, np.sin)]
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
                np.array([add, floor, weights[0] / 2, weights[1] / 2]),
            )  # fmt: skip
            sums[b, i] += weights[0] * gaps + weights[1] * log_gaps

    run_in_turns(part, n_batch, len(chunks))
    return sums.sum(axis=1)
