"""Controls of a harmonic synthesizer as those of a sinusoidal one."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, ranges, run_parts
from ddsp_ref.op import Case, Op

# Frames per part of the work
ROWS = 1024
# Stands in for a sum of exactly 0
EPSILON = 1e-7


def define(amplitudes, harmonic_distribution, f0_hz, *, sample_rate=16000, xp=np):
    """Turn an amplitude and a harmonic distribution into sinusoids of their own.

    ``frequencies[k] = (k + 1) * f0_hz`` and ``y[k] = amplitudes * kept[k] / sum(kept)``, where
    ``kept`` is the distribution without partials at or above half the sample rate; a sum of
    exactly 0 counts as 1e-7.

    Parameters
    ----------
    amplitudes : array, shape (...)
        Overall amplitude, linear scale.
    harmonic_distribution : array, shape (..., n_harmonics)
        Relative amplitude of each partial, meant to be at least 0.
    f0_hz : array, shape (...)
        Fundamental frequency in Hz.
    sample_rate : float
        Samples per second, positive.

    Returns
    -------
    sin_amplitudes : array, shape (..., n_harmonics)
        Amplitude of each sinusoid.
    sin_frequencies_hz : array, shape (..., n_harmonics)
        Frequency of each sinusoid in Hz, also of those that were silenced.

    Raises
    ------
    ParameterError
        If sample_rate is not positive.

    Notes
    -----
    Gradient: that of `normalize_harmonics` times the amplitude; f0_hz has a gradient through the
    frequencies only, although the amplitudes jump where a partial crosses half the sample rate.
    Precision: sums in double precision.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, harmonic_to_sinusoidal.
    Differences: frequencies of partials are compared in double precision, so that a partial
    within float32 rounding of half the sample rate may fall on the other side.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> shares = np.array([3.0, 1.0, 4.0])
    >>> ddsp_ref.harmonic_to_sinusoidal(0.5, shares, 1000.0, sample_rate=6000)
    (array([0.375, 0.125, 0.   ]), array([1000., 2000., 3000.]))
    """
    frequencies_hz = f0_hz * xp.arange(1, harmonic_distribution.shape[0] + 1)
    kept = xp.where(frequencies_hz >= sample_rate / 2, 0.0, harmonic_distribution)
    total = xp.sum(kept)
    return amplitudes * (kept / xp.where(total == 0, EPSILON, total)), frequencies_hz


@njit
def _kernel(amplitudes, given, f0_hz, nyquist, y, hz, start, stop):
    n = given.shape[1]
    for b in range(start, stop):
        f0 = float(f0_hz[b])
        total = 0.0
        for k in range(n):
            if f0 * (k + 1) < nyquist:
                total += float(given[b, k])
        scale = float(amplitudes[b]) / (total if total != 0.0 else EPSILON)
        for k in range(n):
            hz[b, k] = f0 * (k + 1)
            y[b, k] = scale * float(given[b, k]) if f0 * (k + 1) < nyquist else 0.0


@njit
def _kernel_vjp(
    y_bar, hz_bar, amplitudes, given, f0_hz, nyquist, amplitudes_bar, given_bar, f0_bar, start, stop
):
    n = given.shape[1]
    for b in range(start, stop):
        f0, amplitude = float(f0_hz[b]), float(amplitudes[b])
        total, along, slide = 0.0, 0.0, 0.0
        for k in range(n):
            slide += (k + 1) * float(hz_bar[b, k])
            if f0 * (k + 1) < nyquist:
                total += float(given[b, k])
        divisor = total if total != 0.0 else EPSILON
        for k in range(n):
            if f0 * (k + 1) < nyquist:
                along += float(y_bar[b, k]) * (float(given[b, k]) / divisor)
        amplitudes_bar[b], f0_bar[b] = along, slide
        if total == 0.0:  # a constant in place of the sum passes nothing back
            along = 0.0
        for k in range(n):
            bar = amplitude * (float(y_bar[b, k]) - along) / divisor
            given_bar[b, k] = bar if f0 * (k + 1) < nyquist else 0.0


def vjp(amplitudes, harmonic_distribution, f0_hz, *, sample_rate=16000):
    arrays = (amplitudes, harmonic_distribution, f0_hz, sample_rate / 2)
    y, hz = np.empty_like(harmonic_distribution), np.empty_like(harmonic_distribution)
    parts = ranges(len(f0_hz), ROWS)
    run_parts(_kernel, [(*arrays, y, hz, *part) for part in parts])

    def pullback(bars):
        results = tuple(np.empty_like(a) for a in arrays[:3])
        run_parts(_kernel_vjp, [(*bars, *arrays, *results, *part) for part in parts])
        return results

    return (y, hz), pullback


def check(dims, *, sample_rate=16000):
    require(
        0 < sample_rate < math.inf, f"sample_rate is {sample_rate}, must be positive, e.g. 16000"
    )


def cases():
    rng = np.random.default_rng(0)
    shares = rng.uniform(0.1, 1.0, (5, 7))
    f0_hz = np.array([100.0, 1310.0, 1990.0, 3010.0, 7010.0])
    loud = np.linspace(0.2, 0.9, 5)
    steps, half = np.array([1.0, 3.0, 2.0, 10.0]), np.array(0.5)
    multiples = np.arange(1.0, 5.0)
    return [
        Case("by hand", [half, steps, np.array(2001.0)], {},
             (np.array([1, 3, 2, 0]) / 12, 2001.0 * multiples)),
        Case("by hand, rate", [half, steps, np.array(300.0)], {"sample_rate": 1000},
             (np.array([0.5, 0.0, 0.0, 0.0]), 300.0 * multiples)),
        Case("typical", [loud, shares, f0_hz]),
        Case("one harmonic", [loud, np.full((5, 1), 4.0), f0_hz], {},
             (loud[:, None], f0_hz[:, None])),
        Case("partial at Nyquist", [half, np.ones(3), np.array(4000.0)], {},
             (np.array([0.5, 0.0, 0.0]), np.array([4000.0, 8000.0, 12000.0])), grad=False),
        Case("all above", [half, np.ones(2), np.array(8001.0)], {},
             (np.zeros(2), np.array([8001.0, 16002.0]))),
        Case("all zero", [half, np.zeros(2), np.array(100.0)], {},
             (np.zeros(2), np.array([100.0, 200.0])), grad=False),
        Case("no rate", [half, steps, half], {"sample_rate": 0}, error="sample_rate is 0, must be"),
        Case("frames differ", [loud, shares, f0_hz[:2]], error="batch axes do not fit"),
    ]  # fmt: skip


harmonic_to_sinusoidal = Op(
    "harmonic_to_sinusoidal",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(),(n_harmonics),()->(n_harmonics),(n_harmonics)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, harmonic_to_sinusoidal",
)
