"""Convolution with a long response: both are cut in partitions, whose spectra are multiplied.

With a[q] and h[i] the spectra of partition q of the audio and i of the response, each followed by
as many zeros, ``sum over i of h[i] * (a[m - i] + shift * a[m - i - 1])`` has partition m of the
result in its first half; ``shift = (-1) ** bin`` moves a partition from the first half of a
transform to the second. So all transforms are short enough for the cache, eight of them side by
side (see `_fft`), results do not overlap, and what is left are multiply-adds. Uniformly partitioned
convolution, see Wefers, Partitioned convolution algorithms for real-time auralization, 2015.

Spectra have shape (partitions, 2, bins), real and imaginary parts; bins are padded.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed, ranges, run_parts
from ddsp_ref.ops.spectral._fft import (
    LANES,
    ROW,
    from_lanes,
    places,
    split_fours,
    to_lanes,
    turns,
)

_SMALLEST, _SHORTEST, _LONGEST = 16, 256, 4096  # samples in a partition; powers of four
_BINS = 128  # go through a kernel together
_STEP = 2 * _BINS  # from one partition to the next in its arrays
_PART = 512  # bins in a part of the work
_AT_ONCE = 512  # partitions of a result: bounds the memory that their spectra take


def partition_size(n_samples, n_taps):
    """Return the size of partitions, a power of four."""
    wanted = min(max(n_taps, _SHORTEST), max(n_samples, _SMALLEST), _LONGEST)
    return 1 << 2 * (((wanted - 1).bit_length() + 1) // 2)


@lru_cache(maxsize=16)
def _tables(half, dtype):
    """Return where bin k of the complex transform stands, its factors, and cosines and sines.

    Bins k and -k of the complex transform give bins k and half - k of the real one.
    """
    angle = -np.pi / half * np.arange(half + 1)
    found = [np.append(places(2 * half), places(2 * half)[0]), turns(2 * half, dtype)]
    found += [np.cos(angle).astype(dtype), np.sin(angle).astype(dtype)]
    for table in found:
        table.flags.writeable = False
    return tuple(found)


@njit_relaxed
def _unzip(work, places, cosines, sines, spectra):
    """Write the spectra of up to eight real signals, from the transform of even and odd samples."""
    n = places.size - 1
    half = work.dtype.type(0.5)
    for k in range(n + 1):
        c, s = cosines[k], sines[k]
        own, mirror = work[places[k] * ROW :], work[places[n - k] * ROW :]
        for lane in range(spectra.shape[0]):
            zr, zi, yr, yi = own[lane], own[lane + LANES], mirror[lane], mirror[lane + LANES]
            hr, hi = zi + yi, yr - zr
            spectra[lane, 0, k] = half * (zr + yr + hr * c - hi * s)
            spectra[lane, 1, k] = half * (zi - yi + hr * s + hi * c)
    spectra[:, :, n + 1 :] = 0


@njit_relaxed
def _zip(spectra, cosines, sines, work):
    """Undo `_unzip`, with the factor that the transforms leave out.

    Imaginary parts come first: with both parts swapped the transform is its own inverse.
    """
    n, n_lanes = cosines.size - 1, spectra.shape[0]
    scale = work.dtype.type(0.5 / n)
    for k in range(n):
        c, s = cosines[k], sines[k]
        own = work[k * ROW :]
        for lane in range(n_lanes):
            xr, xi = spectra[lane, 0, k], spectra[lane, 1, k]
            yr, yi = spectra[lane, 0, n - k], spectra[lane, 1, n - k]
            dr, di = xr - yr, xi + yi
            own[lane] = scale * (xi - yi + (dr * c + di * s))
            own[lane + LANES] = scale * (xr + yr - (di * c - dr * s))
        for lane in range(n_lanes, LANES):
            own[lane] = own[lane + LANES] = 0


@njit
def _sort_half(work, places, rows):
    """Write the first half of the rows of the transform in their order, both parts swapped."""
    for n in range(rows.size // ROW):
        own, row = work[places[n] * ROW :], rows[n * ROW :]
        for lane in range(LANES):
            row[lane], row[lane + LANES] = own[lane + LANES], own[lane]


@njit
def _transform(signal, first, half, tables, spectra):
    """Write the spectra of partitions first, first + 1 ... of a signal, up to eight."""
    places, factors, cosines, sines = tables
    frames = np.zeros((LANES, 2 * half), signal.dtype)
    work = np.empty(2 * half * LANES, signal.dtype)
    for lane in range(spectra.shape[0]):
        begin, frame = (first + lane) * half, frames[lane]
        for i in range(min(half, signal.size - begin)):
            frame[i] = signal[begin + i]
    to_lanes(frames, work)
    split_fours(work, factors, half, 0)
    _unzip(work, places, cosines, sines, spectra)


@njit
def _transform_back(spectra, begin, half, tables, signal):
    """Write up to eight partitions to a signal, the first one to sample `begin` and on."""
    places, factors, cosines, sines = tables
    frames = np.empty((LANES, half), signal.dtype)
    work = np.empty(2 * half * LANES, signal.dtype)
    rows = np.empty(half * LANES, signal.dtype)
    _zip(spectra, cosines, sines, work)
    split_fours(work, factors, half, 0)
    _sort_half(work, places, rows)
    from_lanes(rows, frames)
    for lane in range(spectra.shape[0]):
        at, frame = begin + lane * half, frames[lane]
        for i in range(max(0, -at), min(half, signal.size - at)):
            signal[at + i] = frame[i]


@njit_relaxed
def _slide(weights, x, n, sums):
    """Write sum over j of weights[j] * x[m + j], for four m; n weights, a multiple of 4.

    All are complex, `_BINS` real parts, then imaginary parts, then the next partition.
    """
    for k in range(0, _BINS, 16):
        out = sums[k:]
        for i in range(16):
            out[i] = out[i + 256] = out[i + 512] = out[i + 768] = 0
            out[i + 128] = out[i + 384] = out[i + 640] = out[i + 896] = 0
        for j in range(0, n, 2):
            w, z = weights[j * _STEP + k :], x[j * _STEP + k :]
            for i in range(16):
                ar, ai, br, bi = w[i], w[i + 128], w[i + 256], w[i + 384]
                r0, i0, r1, i1, r2 = z[i], z[i + 128], z[i + 256], z[i + 384], z[i + 512]
                i2, r3, i3 = z[i + 640], z[i + 768], z[i + 896]
                r4, i4 = z[i + 1024], z[i + 1152]
                out[i] += ar * r0 - ai * i0 + br * r1 - bi * i1
                out[i + 128] += ar * i0 + ai * r0 + br * i1 + bi * r1
                out[i + 256] += ar * r1 - ai * i1 + br * r2 - bi * i2
                out[i + 384] += ar * i1 + ai * r1 + br * i2 + bi * r2
                out[i + 512] += ar * r2 - ai * i2 + br * r3 - bi * i3
                out[i + 640] += ar * i2 + ai * r2 + br * i3 + bi * r3
                out[i + 768] += ar * r3 - ai * i3 + br * r4 - bi * i4
                out[i + 896] += ar * i3 + ai * r3 + br * i4 + bi * r4


@njit_relaxed
def _line_up(spectra, first, step, low, x):
    """x[j] = spectra[first + j] + shift * spectra[first + j + step], where there are such."""
    for j in range(x.size // _STEP):
        for part in range(2):
            out = x[j * _STEP + part * _BINS :]
            for i in range(_BINS):
                out[i] = 0
            if 0 <= first + j < spectra.shape[0]:
                row = spectra[first + j, part, low:]
                for i in range(_BINS):
                    out[i] = row[i]
            if 0 <= first + j + step < spectra.shape[0]:
                row = spectra[first + j + step, part, low:]
                for i in range(0, _BINS, 2):  # `low` is even
                    out[i] += row[i]
                    out[i + 1] -= row[i + 1]


@njit
def _products(spectra, others, first, correlates, low, high, result):
    """Add the partitions first, first + 1 ... of the convolution or correlation, in some bins."""
    n, n_results = others.shape[0], result.shape[0]
    n_even, n_padded = n + n % 2, (n_results + 3) // 4 * 4
    weights = np.zeros(n_even * _STEP, spectra.dtype)
    x = np.empty((n_padded + n_even + 1) * _STEP, spectra.dtype)
    sums = np.empty(4 * _STEP, spectra.dtype)
    for k in range(low, high, _BINS):
        # correlated with conj(others[j]), both partitions of what is pulled back; else the last
        # response meets the earliest partition
        _line_up(spectra, first if correlates else first - n + 1, 1 if correlates else -1, k, x)
        for j in range(n):
            source = others[j if correlates else n - 1 - j]
            own = weights[j * _STEP :]
            for i in range(_BINS):
                own[i] = source[0, k + i]
                own[i + _BINS] = -source[1, k + i] if correlates else source[1, k + i]
        for m in range(0, n_results, 4):
            _slide(weights, x[m * _STEP :], n_even, sums)
            for r in range(min(4, n_results - m)):
                for part in range(2):
                    out, own = result[m + r, part, k:], sums[r * _STEP + part * _BINS :]
                    for i in range(_BINS):
                        out[i] += own[i]


class Spectra:
    """Spectra of the partitions of signals, one or a batch."""

    def __init__(self, signals, half):
        self.half, self.n_samples = half, signals.shape[1]
        self.values = _nothing(len(signals), -(-self.n_samples // half), half, signals.dtype)
        tables = _tables(half, signals.dtype)

        def transform(b, begin, end):
            _transform(signals[b], begin, half, tables, self.values[b, begin:end])

        run_parts(transform, _lanes(self.values))

    def of(self, b):
        """Return the spectra that belong to signal b; there may be one for all."""
        return self.values[b if len(self.values) > 1 else 0]


def _nothing(n_signals, n_partitions, half, dtype):
    n_bins = -(-(half + 1) // _BINS) * _BINS
    return np.zeros((n_signals, n_partitions, 2, n_bins), dtype)


def _lanes(values):
    return [(b, *some) for b in range(len(values)) for some in ranges(values.shape[1], LANES)]


def _write(sums, first, start, half, signals):
    """Write samples start, start + 1 ... of partitions, the first of which is number `first`."""
    tables = _tables(half, signals.dtype)

    def write(b, begin, end):
        at = (first + begin) * half - start
        _transform_back(sums[b, begin:end], at, half, tables, signals[b])

    run_parts(write, _lanes(sums))


def convolve(audio, responses, start, n_out):
    """Return n_out samples, from sample `start` on, of the convolution of `Spectra`."""
    half, batch = audio.half, len(audio.values)
    y = np.zeros((batch, n_out), audio.values.dtype)
    stop = min(start + n_out, audio.n_samples + responses.n_samples - 1)

    def run(first, end):
        sums = _nothing(batch, end - first, half, y.dtype)

        def multiply(b, low, high):
            _products(audio.of(b), responses.of(b), first, False, low, high, sums[b])

        run_parts(multiply, _bins(sums))
        _write(sums, first, start, half, y)

    for first, end in _runs(start // half, -(-stop // half)):
        run(first, end)
    return y


def correlate(results, others, n_out, n_signals):
    """Return n_out samples of the correlation; for one signal, of the sum over all of them."""
    half, batch = results.half, len(results.values)
    bar = np.empty((n_signals, n_out), results.values.dtype)

    def run(first, end):
        sums = _nothing(n_signals, end - first, half, bar.dtype)

        def multiply(c, low, high):
            for b in range(batch) if n_signals < batch else (c,):
                _products(results.of(b), others.of(b), first, True, low, high, sums[c])

        run_parts(multiply, _bins(sums))
        _write(sums, first, 0, half, bar)

    for first, end in _runs(0, -(-n_out // half)):
        run(first, end)
    return bar


def _runs(first, stop):
    """Cut partitions in runs that are computed at once."""
    return [(first + begin, first + end) for begin, end in ranges(stop - first, _AT_ONCE)]


def _bins(sums):
    return [(b, *some) for b in range(len(sums)) for some in ranges(sums.shape[3], _PART)]
