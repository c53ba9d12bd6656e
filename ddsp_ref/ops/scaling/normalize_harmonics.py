"""Harmonic distribution: drop partials above Nyquist, scale the rest to a sum of 1."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, njit_relaxed, ranges, run_parts
from ddsp_ref.op import Case, Op

# Frames per part of the work
ROWS = 1024
# Stands in for a sum of exactly 0
EPSILON = 1e-7


def define(harmonic_distribution, f0_hz, *, sample_rate=None, xp=np):
    """Drop partials at or above half the sample rate and divide the others by their sum.

    ``kept[k] = harmonic_distribution[k] if (k + 1) * f0_hz < sample_rate / 2 else 0`` and
    ``y = kept / sum(kept)``; a sum of exactly 0 counts as 1e-7.

    Parameters
    ----------
    harmonic_distribution : array, shape (..., n_harmonics)
        Relative amplitude of each partial, meant to be at least 0.
    f0_hz : array, shape (...)
        Fundamental frequency in Hz.
    sample_rate : float or None
        Sample rate in Hz, positive. None keeps all partials.

    Returns
    -------
    array, shape (..., n_harmonics)
        Distribution with a sum of 1, or all zeros where nothing is left.

    Raises
    ------
    ParameterError
        If sample_rate is not positive.

    Notes
    -----
    Gradient: ``(y_bar - sum(y_bar * y)) / sum(kept)`` for partials that are kept, 0 for the others;
    0 for f0_hz, although y jumps where a partial crosses half the sample rate.
    Precision: sums in double precision.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, normalize_harmonics.
    Differences: frequencies of partials are compared in double precision, so that a partial
    within float32 rounding of half the sample rate may fall on the other side.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.normalize_harmonics(np.array([3.0, 1.0, 4.0]), 1000.0, sample_rate=6000)
    array([0.75, 0.25, 0.  ])
    """
    kept = harmonic_distribution
    if sample_rate is not None:
        frequencies_hz = f0_hz * xp.arange(1, kept.shape[0] + 1)
        kept = xp.where(frequencies_hz >= sample_rate / 2, 0.0, kept)
    total = xp.sum(kept)
    return kept / xp.where(total == 0, EPSILON, total)


@njit
def _divide(a, b):
    """Return a / b; where sums are relaxed this would be a * (1 / b), NaN if 1 / b overflows."""
    return a / b


@njit_relaxed
def _kernel(given, f0_hz, nyquist, y, totals, n_kept, start, stop):
    n = given.shape[1]
    for b in range(start, stop):
        given_b, y_b = given[b], y[b]
        keep = 0
        while keep < n and float(f0_hz[b]) * (keep + 1) < nyquist:
            keep += 1
        total = 0.0
        for k in range(keep):
            total += float(given_b[k])
        divisor = total if total != 0.0 else EPSILON
        for k in range(keep):
            y_b[k] = _divide(float(given_b[k]), divisor)
        for k in range(keep, n):
            y_b[k] = 0.0
        totals[b], n_kept[b] = total, keep


@njit_relaxed
def _kernel_vjp(given_bar, y_bar, y, totals, n_kept, start, stop):
    n = y.shape[1]
    for b in range(start, stop):
        given_bar_b, y_bar_b, y_b = given_bar[b], y_bar[b], y[b]
        divisor, along = EPSILON, 0.0
        if totals[b] != 0.0:  # a constant in place of the sum passes nothing back
            divisor = totals[b]
            for k in range(n):
                along += float(y_bar_b[k]) * float(y_b[k])
        for k in range(n_kept[b]):
            given_bar_b[k] = _divide(float(y_bar_b[k]) - along, divisor)
        for k in range(n_kept[b], n):
            given_bar_b[k] = 0.0


def vjp(harmonic_distribution, f0_hz, *, sample_rate=None):
    n_rows = len(harmonic_distribution)
    nyquist = math.inf if sample_rate is None else sample_rate / 2
    y = np.empty_like(harmonic_distribution)
    totals, n_kept = np.empty(n_rows), np.empty(n_rows, np.int64)
    parts = ranges(n_rows, ROWS)
    shared = (harmonic_distribution, f0_hz, nyquist, y, totals, n_kept)
    run_parts(_kernel, [(*shared, *part) for part in parts])

    def pullback(y_bar):
        given_bar = np.empty_like(y)
        run_parts(_kernel_vjp, [(given_bar, y_bar, y, totals, n_kept, *part) for part in parts])
        return given_bar, np.zeros_like(f0_hz)

    return y, pullback


def check(dims, *, sample_rate=None):
    require(
        sample_rate is None or sample_rate > 0,
        f"sample_rate is {sample_rate}, must be positive or None, e.g. 16000",
    )


def cases():
    rng = np.random.default_rng(0)
    distribution = rng.uniform(0.1, 1.0, (5, 7))
    f0_hz = np.array([100.0, 1310.0, 1990.0, 3010.0, 7010.0])
    rate = {"sample_rate": 16000}
    steps = np.array([1.0, 3.0, 2.0, 10.0])
    return [
        Case("by hand", [steps, np.array(2001.0)], rate, np.array([1, 3, 2, 0]) / 6),
        Case("by hand, all kept", [steps, np.array(2001.0)], {}, steps / 16),
        Case("typical", [distribution, f0_hz], rate),
        Case("no sample rate", [distribution, f0_hz]),
        Case("one harmonic", [np.array([[3.0], [0.5]]), f0_hz[:2]], rate, np.ones((2, 1))),
        Case(
            "partial at Nyquist",
            [np.ones(3), np.array(4000.0)],
            rate,
            np.array([1.0, 0.0, 0.0]),
            grad=False,
        ),
        Case("all above", [np.ones((2, 3)), np.array(8001.0)], rate, np.zeros((2, 3))),
        Case("next to nothing", [1e-7 * steps, np.array(2001.0)], {}, steps / 16, grad=False),
        Case("all zero", [np.zeros(3), np.array(100.0)], rate, np.zeros(3), grad=False),
        Case("no frequency", [steps, np.array(0.0)], rate, steps / 16, grad=False),
        Case(
            "sample rate 0",
            [steps, np.array(100.0)],
            {"sample_rate": 0},
            error="sample_rate is 0, must be positive or None",
        ),
        Case("f0 of another batch", [distribution, f0_hz[:2]], error="batch axes do not fit"),
    ]


normalize_harmonics = Op(
    "normalize_harmonics",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_harmonics),()->(n_harmonics)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, normalize_harmonics",
)
