"""Pairs of bins of eight frames of two signals: their spectra, how they differ, the way back.

The spectra of two bins k and n - k come out of one pair of rows of the transform, are compared at
once, and their cotangents go back into it.

Logarithms are not taken of values but of products of values: the sum of |log y - log t| is the
logarithm of the product of the larger over the product of the smaller ones.
"""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed
from ddsp_ref.ops.spectral._fft import LANES

# Squares of magnitudes between these are safe in float32, and so are products of two magnitudes.
TINY, HUGE = 1e-30, 1e30
# Pairs of bins are compared in runs: loops over rows of this length, one bin and frame beside the
# other, all in one array, become vector code. A size has one pair more than a power of two: of
# those with 17, 33, 65 ... pairs, runs of 17 leave the fewest places empty.
PAIRS = 17
RUN = PAIRS * LANES
# Rows of the scratch: real and imaginary parts of bins k, then of bins n - k, of the target, then
# of the audio; magnitudes of both bins of both; gaps, and what logarithms are taken of: the larger
# of both bins, then the smaller.
_MAGS, _GAPS, _LARGER, _SMALLER = (row * RUN for row in (8, 12, 13, 15))
SCRATCH = 17 * RUN
# Rows of the sums, float64: of the gaps, and the products of the larger and the smaller values.
SUMS = 3 * RUN
# Products of that many runs of a pair of magnitudes, at most 1e30, stay within float64.
_RUNS_PER_CARRY = 8
# What a positive float64 is made of: a power of two in the bits from here on, and below it [1, 2).
_MANTISSA = np.uint64(52)
_BELOW_POWER = np.uint64((1 << 52) - 1)
_POWER_0 = np.uint64(1023 << 52)
_LOG_2 = math.log(2.0)


@njit
def _copy_lanes(source, target, words):
    for i in range(0, words, 4):  # all is read before anything is written: one move of a vector
        a, b, c, d = source[i], source[i + 1], source[i + 2], source[i + 3]
        target[i], target[i + 1], target[i + 2], target[i + 3] = a, b, c, d


@njit
def _gather(work, rows, mirrored, scratch, at, words):
    """Copy the rows of a run of pairs to row `at` of the scratch and the three after it.

    All is seen as numbers of 64 bits, `words` of them to the lanes: half as many to copy.
    """
    run = PAIRS * words
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
    run = PAIRS * words
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
    out = scratch[at : at + 4 * RUN]
    for i in range(RUN):
        c, s = cosines[i], sines[i]
        zr, zi, yr, yi = out[i], out[i + RUN], out[i + 2 * RUN], out[i + 3 * RUN]
        er, ei, hr, hi = zr + yr, zi - yi, zi + yi, yr - zr
        tr, ti = hr * c - hi * s, hr * s + hi * c
        out[i], out[i + RUN] = half * (er + tr), half * (ei + ti)
        out[i + 2 * RUN], out[i + 3 * RUN] = half * (er - tr), half * (ti - ei)


@njit_relaxed
def _square(scratch):
    """Write the squared magnitudes."""
    for row in range(4):
        spectrum = scratch[2 * row * RUN : 2 * (row + 1) * RUN]
        powers = scratch[_MAGS + row * RUN : _MAGS + (row + 1) * RUN]
        for i in range(RUN):
            powers[i] = spectrum[i] * spectrum[i] + spectrum[i + RUN] * spectrum[i + RUN]


@njit
def _neutral(scratch, n):
    """Let the middle bin, pair n - 1, count once, and what is behind it not at all."""
    for row in range(4):
        first = n if row % 2 == 0 else n - 1
        for i in range(_MAGS + row * RUN + first * LANES, _MAGS + (row + 1) * RUN):
            scratch[i] = 1


@njit_relaxed
def _differ(scratch, numbers):
    """Replace squared magnitudes by magnitudes, write how they differ; count unsafe squares."""
    add, floor, low, high, one = numbers[0], numbers[1], numbers[4], numbers[5], numbers[6]
    zero = one * 0
    n_unsafe = zero
    for i in range(RUN):
        t, u = scratch[_MAGS + i], scratch[_MAGS + RUN + i]
        a, b = scratch[_MAGS + 2 * RUN + i], scratch[_MAGS + 3 * RUN + i]
        n_unsafe += zero if t > low and u > low and a > low and b > low else one
        n_unsafe += zero if t < high and u < high and a < high and b < high else one
        t, u, a, b = math.sqrt(t), math.sqrt(u), math.sqrt(a), math.sqrt(b)
        scratch[_MAGS + i], scratch[_MAGS + RUN + i] = t, u
        scratch[_MAGS + 2 * RUN + i], scratch[_MAGS + 3 * RUN + i] = a, b
        scratch[_GAPS + i] = abs(a - t) + abs(b - u)
        t, u, a, b = t + add, u + add, a + add, b + add
        t, u = t if t > zero else floor, u if u > zero else floor
        a, b = a if a > zero else floor, b if b > zero else floor
        scratch[_LARGER + i], scratch[_LARGER + RUN + i] = a if a > t else t, b if b > u else u
        scratch[_SMALLER + i], scratch[_SMALLER + RUN + i] = t if a > t else a, u if b > u else b
    return n_unsafe


@njit_relaxed
def _add_up(scratch, sums):
    """Add up the gaps, multiply by the rest: products of two are safe."""
    for i in range(RUN):
        sums[i] += np.float64(scratch[_GAPS + i])
    for i in range(RUN):
        larger = scratch[_LARGER + i] * scratch[_LARGER + RUN + i]
        smaller = scratch[_SMALLER + i] * scratch[_SMALLER + RUN + i]
        sums[RUN + i] *= np.float64(larger)
        sums[2 * RUN + i] *= np.float64(smaller)


@njit
def _add_up_unsafe(scratch, sums, bits, exponents):
    """Add up the gaps, multiply by one value at a time."""
    for i in range(RUN):
        sums[i] += scratch[_GAPS + i]
    for row in range(2):
        for i in range(RUN):
            sums[RUN + i] *= scratch[_LARGER + row * RUN + i]
            sums[2 * RUN + i] *= scratch[_SMALLER + row * RUN + i]
        _carry(bits, exponents)


@njit
def _carry(bits, exponents):
    """Bring the products back to [1, 2), and add up their powers of two."""
    for i in range(2 * RUN):
        exponents[i] += bits[RUN + i] >> _MANTISSA
    for i in range(2 * RUN):
        bits[RUN + i] = bits[RUN + i] & _BELOW_POWER | _POWER_0


@njit_relaxed
def _slopes(scratch, numbers, both):
    """Replace magnitudes by what the loss changes by with the spectra, over the spectra."""
    add, floor, weight, log_weight = numbers[0], numbers[1], numbers[2], numbers[3]
    zero = weight * 0
    for i in range(_MAGS, _MAGS + 2 * RUN):
        target, value = scratch[i], scratch[i + 2 * RUN]
        slope = weight if value > target else -weight
        slope = slope if value != target else zero
        level, lifted = target + add, value + add
        lower, higher = level if level > zero else floor, lifted if lifted > zero else floor
        log_slope = log_weight if higher > lower else -log_weight
        log_slope = log_slope if higher != lower else zero
        # slope / value + log_slope / lifted / value, with one division instead of three
        gain, base = slope * lifted + log_slope, value * lifted
        scratch[i + 2 * RUN] = gain / base if base > zero else zero
        if both:
            gain, base = slope * level + log_slope, target * level
            scratch[i] = -gain / base if base > zero else zero


@njit_relaxed
def _zip(scratch, at, slopes, cosines, sines):
    """Turn bins k and n - k into what their cotangents transform back from."""
    out = scratch[at : at + 4 * RUN]
    for i in range(RUN):
        c, s, one, other = cosines[i], sines[i], slopes[i], slopes[i + RUN]
        hr, hi = one * out[i], one * out[i + RUN]
        gr, gi = other * out[i + 2 * RUN], other * out[i + 3 * RUN]
        er, ei, dr, di = hr + gr, hi - gi, hr - gr, hi + gi
        tr, ti = dr * c + di * s, di * c - dr * s
        out[i], out[i + RUN] = er - ti, ei + tr
        out[i + 2 * RUN], out[i + 3 * RUN] = er + ti, tr - ei


@njit
def _pull(scratch, first, wanted, c, s, numbers):
    """Overwrite spectra that are wanted by what their cotangents transform back from."""
    _slopes(scratch, numbers, wanted[0])
    for w in range(2):
        if wanted[w]:
            _zip(scratch, 4 * w * RUN, scratch[_MAGS + 2 * w * RUN :][: 2 * RUN], c, s)
    if first:  # bins 0 and Nyquist have no mirror image to share their cotangent with
        for row in range(8):
            for i in range(row * RUN, row * RUN + LANES):
                scratch[i] *= 2


@njit
def compare_spectra(works, tables, scratches, numbers, exact, wanted, sums, bits, exponents):
    """Compare the spectra of eight frames of target and audio; overwrite them by cotangents.

    `numbers` are `add`, `floor`, the weights of the cotangents, the bounds of squares and 1 in the
    precision of the spectra, `exact` the same in float64.
    """
    rows, mirrored, cosines, sines = tables
    small, large = scratches
    words = LANES * small.itemsize // 8
    small_words, half = small.view(np.uint64), small.dtype.type(0.5)
    since_carry = 0
    for k in range(0, rows.size, PAIRS):
        n = min(PAIRS, rows.size - k)
        last = k + n == rows.size
        own, mirror = rows[k : k + n], mirrored[k : k + n]
        c, s = cosines[k * LANES : k * LANES + RUN], sines[k * LANES : k * LANES + RUN]
        for w in range(2):
            _gather(works[w].view(np.uint64), own, mirror, small_words, 4 * w, words)
            for row in range(4 * w, 4 * w + 4):  # what is left of other runs might overflow
                small[row * RUN + n * LANES : (row + 1) * RUN] = 0
            _unzip(small, 4 * w * RUN, c, s, half)
        _square(small)
        if last:
            _neutral(small, n)
        if _differ(small, numbers) == 0:
            _add_up(small, sums)
            since_carry += 1
            if last or since_carry == _RUNS_PER_CARRY:
                _carry(bits, exponents)
                since_carry = 0
            if wanted[0] or wanted[1]:
                _pull(small, k == 0, wanted, c, s, numbers)
        else:  # in double precision: squares of float32 might vanish or overflow
            _carry(bits, exponents)
            since_carry = 0
            large[:_MAGS] = small[:_MAGS]
            _square(large)
            if last:
                _neutral(large, n)
            _differ(large, exact)
            _add_up_unsafe(large, sums, bits, exponents)
            _pull(large, k == 0, wanted, c, s, exact)
            small[:_MAGS] = large[:_MAGS]
        for w in range(2):
            if wanted[w]:
                # a row that is its own mirror image is written twice, at last with the sum
                _scatter(small_words, 4 * w, own, mirror, works[w].view(np.uint64), words)


@njit
def log_ratio(sums, exponents):
    """Return the logarithm of all products of larger values over all of smaller ones."""
    powers, ratio = 0.0, 1.0
    for i in range(RUN):
        ratio *= sums[RUN + i] / sums[2 * RUN + i]
        powers += np.float64(exponents[i]) - np.float64(exponents[i + RUN])
    return math.log(ratio) + _LOG_2 * powers
