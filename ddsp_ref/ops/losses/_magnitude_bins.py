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
from ddsp_ref.ops.spectral._fft import LANES, ROW

# Squares of magnitudes between these are safe in float32, and so are products of two magnitudes.
TINY, HUGE = 1e-30, 1e30
# Pairs of bins are compared in runs of so many rows that follow on each other, and so do those of
# their mirror images, backwards: in the order of reversed digits most do. Those that do not are the
# first run, of one more; a size has one pair more than a power of two.
BLOCK = 16
PAIRS = BLOCK + 1
RUN = PAIRS * LANES
# Rows of the scratch, all in one array: only then is it known that they do not overlap. Rows of the
# transforms: bins k, then n - k, of target and audio, and what the audio's transform back from.
_TARGET, _AUDIO, _OUT = (2 * i * PAIRS * ROW for i in range(3))
_MIRROR = PAIRS * ROW  # from the rows of bins k to those of bins n - k
# Gaps, and what logarithms are taken of: the larger of both bins, then the smaller; unsafe squares.
_GAPS, _LARGER, _SMALLER, _UNSAFE = (6 * PAIRS * ROW + i * RUN for i in (0, 1, 3, 5))
SCRATCH = _UNSAFE + LANES
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
def _copy_block(source, target):
    """Copy rows that follow on each other."""
    for i in range(BLOCK * ROW):
        target[i] = source[i]


@njit
def _turn_block(source, target):
    """Copy rows in the opposite order. Written out, the moves are those of vectors."""
    s, t = source, target
    for i in range(ROW):
        t[i], t[i + 16], t[i + 32], t[i + 48] = s[i + 240], s[i + 224], s[i + 208], s[i + 192]
        t[i + 64], t[i + 80], t[i + 96], t[i + 112] = s[i + 176], s[i + 160], s[i + 144], s[i + 128]
        t[i + 128], t[i + 144], t[i + 160], t[i + 176] = s[i + 112], s[i + 96], s[i + 80], s[i + 64]
        t[i + 192], t[i + 208], t[i + 224], t[i + 240] = s[i + 48], s[i + 32], s[i + 16], s[i]


@njit
def _word_places(row, mirrored, p, words):
    """Return where rows of a pair begin in the work array, and in the scratch, as words."""
    return (
        np.uint64(row * words), np.uint64(mirrored * words),
        np.uint64(p * words), np.uint64((PAIRS + p) * words),
    )  # fmt: skip


@njit
def _gather(work, rows, mirrored, scratch):
    """Copy the rows of a run of pairs."""
    n = rows.size
    if n == BLOCK:
        _copy_block(work[rows[0] * ROW :], scratch)
        _turn_block(work[mirrored[n - 1] * ROW :], scratch[_MIRROR:])
        return
    # numbers of 64 bits: half as many moves
    source, target, words = work.view(np.uint64), scratch.view(np.uint64), ROW * work.itemsize // 8
    for p in range(n):
        i, j, own, mirror = _word_places(rows[p], mirrored[p], p, words)
        for word in range(words):
            w = np.uint64(word)
            target[own + w], target[mirror + w] = source[i + w], source[j + w]


@njit
def _scatter(scratch, rows, mirrored, work):
    """Copy the rows of a run of pairs back."""
    n = rows.size
    if n == BLOCK:
        _copy_block(scratch, work[rows[0] * ROW :])
        _turn_block(scratch[_MIRROR:], work[mirrored[n - 1] * ROW :])
        return
    source, target, words = scratch.view(np.uint64), work.view(np.uint64), ROW * work.itemsize // 8
    for p in range(n):
        i, j, own, mirror = _word_places(rows[p], mirrored[p], p, words)
        for word in range(words):
            w = np.uint64(word)
            target[i + w] = source[own + w]
            target[j + w] = source[mirror + w]  # of a row that is its own mirror image: the sum


@njit_relaxed
def _compare_pairs(scratch, cosines, sines, middle, numbers):
    """Compare a run of pairs; write what adds up, and what the audio's cotangents come from.

    Of the pair `middle` both bins are the same, which counts once. Lane by lane, from the rows of
    the complex transforms: bins k and n - k of the real signals, squared magnitudes, magnitudes,
    how they differ, slopes, and back.
    """
    add, floor, weight, log_weight = numbers[0], numbers[1], numbers[2], numbers[3]
    low, high, one = numbers[4], numbers[5], numbers[6]
    half, zero = scratch.dtype.type(0.5), scratch.dtype.type(0)
    for i in range(LANES):
        scratch[_UNSAFE + i] = zero
    n = cosines.size
    for p in range(PAIRS):  # a constant, by which the compiler knows how far indices go
        if p == n:
            break
        c, s, single = cosines[p], sines[p], zero if p != middle else one
        own, mirror, place = p * ROW, _MIRROR + p * ROW, p * LANES
        for i in range(LANES):
            zr, zi = scratch[_TARGET + own + i], scratch[_TARGET + own + LANES + i]
            yr, yi = scratch[_TARGET + mirror + i], scratch[_TARGET + mirror + LANES + i]
            er, ei, hr, hi = zr + yr, zi - yi, zi + yi, yr - zr
            tr, ti = hr * c - hi * s, hr * s + hi * c
            xr, xi, yr, yi = er + tr, ei + ti, er - tr, ti - ei
            t, u = half * half * (xr * xr + xi * xi), half * half * (yr * yr + yi * yi)

            zr, zi = scratch[_AUDIO + own + i], scratch[_AUDIO + own + LANES + i]
            yr, yi = scratch[_AUDIO + mirror + i], scratch[_AUDIO + mirror + LANES + i]
            er, ei, hr, hi = zr + yr, zi - yi, zi + yi, yr - zr
            tr, ti = hr * c - hi * s, hr * s + hi * c
            xr, xi, yr, yi = half * (er + tr), half * (ei + ti), half * (er - tr), half * (ti - ei)
            a, b = xr * xr + xi * xi, yr * yr + yi * yi

            u, b = u if single == zero else one, b if single == zero else one
            least = t if t < u else u
            least = least if least < a else a
            least = least if least < b else b
            scratch[_UNSAFE + i] += zero if least > low and t + u + a + b < high else one
            t, u, a, b = math.sqrt(t), math.sqrt(u), math.sqrt(a), math.sqrt(b)
            at = place + i
            scratch[_GAPS + at] = abs(a - t) + abs(b - u)
            lt, lu, la, lb = t + add, u + add, a + add, b + add
            kt, ku = lt if lt > zero else floor, lu if lu > zero else floor
            ka, kb = la if la > zero else floor, lb if lb > zero else floor
            scratch[_LARGER + at] = ka if ka > kt else kt
            scratch[_LARGER + RUN + at] = kb if kb > ku else ku
            scratch[_SMALLER + at] = kt if ka > kt else ka
            scratch[_SMALLER + RUN + at] = ku if kb > ku else kb

            # slope / value + log_slope / lifted / value, with one division instead of two
            slope = weight if a > t else (-weight if a < t else zero)
            log_slope = log_weight if ka > kt else (-log_weight if ka < kt else zero)
            gain, base = slope * la + log_slope, a * la
            one_slope = gain / base if base > zero else zero
            slope = weight if b > u else (-weight if b < u else zero)
            log_slope = log_weight if kb > ku else (-log_weight if kb < ku else zero)
            gain, base = slope * lb + log_slope, b * lb
            other = gain / base if base > zero else zero

            hr, hi, gr, gi = one_slope * xr, one_slope * xi, other * yr, other * yi
            er, ei, dr, di = hr + gr, hi - gi, hr - gr, hi + gi
            tr, ti = dr * c + di * s, di * c - dr * s
            scratch[_OUT + own + i], scratch[_OUT + own + LANES + i] = er - ti, ei + tr
            scratch[_OUT + mirror + i], scratch[_OUT + mirror + LANES + i] = er + ti, tr - ei


@njit
def _neutral(scratch, n):
    """Let what is behind pair n - 1 not count at all."""
    for i in range(n * LANES, RUN):
        scratch[_GAPS + i] = 0
        for row in range(2):
            scratch[_LARGER + row * RUN + i] = scratch[_SMALLER + row * RUN + i] = 1


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


@njit
def _turn_round(scratch):
    """Let target and audio change places: what the one pulls with is what the other would."""
    for i in range(2 * _MIRROR):
        scratch[_TARGET + i], scratch[_AUDIO + i] = scratch[_AUDIO + i], scratch[_TARGET + i]


@njit
def compare_spectra(works, tables, scratches, numbers, exact, wanted, sums, bits, exponents):
    """Compare the spectra of eight frames of target and audio; overwrite them by cotangents.

    `numbers` are `add`, `floor`, the weights of the cotangents, the bounds of squares and 1 in the
    precision of the spectra, `exact` the same in float64.
    """
    rows, mirrored, cosines, sines = tables
    small, large = scratches
    since_carry, stop = 0, 0
    while stop < rows.size:
        start, stop = stop, stop + BLOCK if stop > 0 else min(PAIRS, rows.size)
        own, mirror, c, s = (
            rows[start:stop],
            mirrored[start:stop],
            cosines[start:stop],
            sines[start:stop],
        )
        middle = 2 if start == 0 else -1
        _gather(works[0], own, mirror, small[_TARGET:])
        _gather(works[1], own, mirror, small[_AUDIO:])
        _compare_pairs(small, c, s, middle, numbers)
        unsafe = False
        for i in range(LANES):
            unsafe |= small[_UNSAFE + i] > 0
        if unsafe:  # in double precision: squares of float32 might vanish or overflow
            _carry(bits, exponents)
            since_carry = 0
            large[:_OUT] = small[:_OUT]
            _compare_pairs(large, c, s, middle, exact)
            _neutral(large, own.size)
            _add_up_unsafe(large, sums, bits, exponents)
        else:
            _neutral(small, own.size)
            _add_up(small, sums)
            since_carry += 1
            if stop == rows.size or since_carry == _RUNS_PER_CARRY:
                _carry(bits, exponents)
                since_carry = 0
        for w in (1, 0):
            if wanted[w]:
                if w == 0:
                    _turn_round(small)
                    _turn_round(large)
                    if unsafe:
                        _compare_pairs(large, c, s, middle, exact)
                    else:
                        _compare_pairs(small, c, s, middle, numbers)
                if unsafe:
                    small[_OUT:_GAPS] = large[_OUT:_GAPS]
                if start == 0:  # bins 0 and Nyquist have no mirror images to share with
                    for i in range(ROW):
                        small[_OUT + i] *= 2
                        small[_OUT + _MIRROR + i] *= 2
                _scatter(small[_OUT:], own, mirror, works[w])


@njit
def log_ratio(sums, exponents):
    """Return the logarithm of all products of larger values over all of smaller ones."""
    powers, ratio = 0.0, 1.0
    for i in range(RUN):
        ratio *= sums[RUN + i] / sums[2 * RUN + i]
        powers += np.float64(exponents[i]) - np.float64(exponents[i + RUN])
    return math.log(ratio) + _LOG_2 * powers
