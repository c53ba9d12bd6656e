"""Results with more digits than float64 has: phases as whole numbers, sums in long double.

Inputs are floating-point numbers, and so whole multiples of a power of two: sums of them are
exact in Python's integers, however long the signal is. Nothing here calls an op.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np

LONG = np.longdouble
PI = LONG("3.14159265358979323846264338327950288")
HAS_LONG_DOUBLE = np.finfo(LONG).nmant >= 63
BITS = 46  # Hz are counted in units of 2^-46: float64 numbers above 64 are multiples of it


def whole(values, bits: int = BITS) -> np.ndarray:
    """Return values * 2^bits as int64, and make sure that nothing was rounded."""
    counts = np.ldexp(np.asarray(values, np.float64), bits).astype(np.int64)
    assert np.array_equal(np.ldexp(counts.astype(np.float64), -bits), values), "not a multiple"
    return counts


def running_sums(values, samples, bits: int = BITS) -> list[int]:
    """Return the exact sums of values[: t + 1] for t in samples, in units of 2^-bits."""
    counts = whole(values, bits)
    high, low = np.cumsum(counts >> 24), np.cumsum(counts & 0xFFFFFF)
    return [(int(high[t]) << 24) + int(low[t]) for t in samples]


def line_sums(frames, hop: int, samples) -> tuple[list[int], list[int]]:
    """Join frames by straight lines, the last one held; return exact running sums and values.

    Both are in units of 2^-BITS / hop.
    """
    counts = [int(n) for n in whole(frames)]
    steps = [b - a for a, b in zip(counts, [*counts[1:], counts[-1]])]
    sums = [n * hop * hop + d * hop * (hop - 1) // 2 for n, d in zip(counts, steps)]
    before = list(accumulate(sums, initial=0))
    totals, values = [], []
    for t in samples:
        i, r = divmod(int(t), hop)
        totals.append(before[i] + counts[i] * hop * (r + 1) + steps[i] * r * (r + 1) // 2)
        values.append(counts[i] * hop + steps[i] * r)
    return totals, values


def fractions(numerators, denominator: int) -> np.ndarray:
    """Return numerators / denominator modulo 1, to 2^-64."""
    scaled = [((n % denominator) << 64) // denominator for n in numerators]
    return np.array(scaled, np.uint64).astype(LONG) / LONG(2) ** 64


def sine(cycles) -> np.ndarray:
    """Return sin(2 pi cycles) in long double."""
    return np.sin(2 * PI * (cycles - np.rint(cycles)))


def partials(totals, values, unit: int, sample_rate: int, amplitudes) -> np.ndarray:
    """Return the sum of sinusoids at whole multiples of a phase and silent from Nyquist on.

    Args:
        totals: exact running sums of f0, in units of 1 / unit Hz.
        values: exact f0 at the same samples, in the same units.
        unit: see totals.
        sample_rate: samples per second.
        amplitudes: one for each multiple, the same at all times.
    """
    y = np.zeros(len(totals), LONG)
    for k, amplitude in enumerate(amplitudes, start=1):
        audible = np.array([2 * k * value < sample_rate * unit for value in values])
        if audible.any():
            wave = sine(fractions([k * total for total in totals], sample_rate * unit))
            y += np.where(audible, LONG(amplitude) * wave, LONG(0))
    return y


def lookup(table, place_numerators, denominator: int) -> np.ndarray:
    """Read a cyclic table by straight lines at exact phases, in cycles."""
    n = len(table)
    scaled = [(n * (p % denominator), denominator) for p in place_numerators]
    left = np.array([a // d for a, d in scaled])
    rest = fractions([a for a, _ in scaled], denominator)
    wide = np.asarray(table).astype(LONG)
    return wide[left] + rest * (wide[(left + 1) % n] - wide[left])


def convolution(audio, responses, hop: int, samples) -> np.ndarray:
    """Return samples of the convolution of audio with a response for every hop of samples."""
    wide, taps = np.asarray(audio).astype(LONG), np.asarray(responses).astype(LONG)
    y = []
    for t in samples:
        source = np.arange(max(0, t - taps.shape[1] + 1), min(t + 1, len(wide)))
        y.append(np.sum(wide[source] * taps[source // hop, t - source]))
    return np.array(y)


def spectrum(frame, n_bins: int) -> np.ndarray:
    """Return the first bins of the Fourier transform of the Hann-windowed frame."""
    n = len(frame)
    turn = 2 * PI * np.arange(n).astype(LONG) / n
    windowed = (LONG(1) - np.cos(turn)) / 2 * frame
    table = np.cos(turn) - 1j * np.sin(turn)
    index = np.outer(np.arange(n_bins), np.arange(n)) % n
    return np.array([np.sum(windowed * table[row]) for row in index])


def a_weighting_power(hz) -> np.ndarray:
    """Return the A-weighting of IEC 61672-1 as a factor on power, not below -80 dB."""
    square = np.asarray(hz).astype(LONG) ** 2
    a, b, c, d = (LONG(v) ** 2 for v in ("12194.217", "20.598997", "107.65265", "737.86223"))
    ratio = square**2 * a / ((square + b) * (square + a) * np.sqrt((square + c) * (square + d)))
    floor = LONG(10) ** -8
    with np.errstate(divide="ignore"):
        return np.maximum(ratio**2 * LONG(10) ** LONG("0.2"), floor)
