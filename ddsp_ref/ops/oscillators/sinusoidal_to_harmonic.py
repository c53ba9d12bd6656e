"""Controls of a sinusoidal synthesizer as those of a harmonic one."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, ranges, run_parts
from ddsp_ref.op import Case, Op

# Frames per part of the work
ROWS = 64
# Stands in for a denominator of exactly 0
EPSILON = 1e-7
# exp(-x) is 0 in double precision from here on
UNDERFLOW = 746.0


def define(
    sin_amplitudes,
    sin_frequencies_hz,
    f0_hz,
    *,
    harmonic_width=0.1,
    n_harmonics=100,
    sample_rate=16000,
    normalize=False,
    xp=np,
):
    """Collect sinusoids into the harmonics that they lie near to.

    ``h[k] = sum_s w[k, s] * sin_amplitudes[s]`` with
    ``w[k, s] = exp(-((sin_frequencies_hz[s] - (k + 1) f0_hz) / f0_hz / harmonic_width) ** 2)``;
    harmonics at or above half the sample rate are 0. Then ``amplitudes = sum_k h[k]`` and
    ``harmonic_distribution[k] = h[k] / amplitudes``. An f0 or a sum of exactly 0 counts as 1e-7
    where it divides.

    Parameters
    ----------
    sin_amplitudes : array, shape (..., n_sinusoids)
        Amplitude of each sinusoid, linear scale.
    sin_frequencies_hz : array, shape (..., n_sinusoids)
        Frequency of each sinusoid in Hz.
    f0_hz : array, shape (...)
        Fundamental frequency in Hz.
    harmonic_width : float
        Distance from a harmonic, as a fraction of f0, at which a sinusoid still counts by 1/e; from
        1e-9 to 1e9.
    n_harmonics : int
        Number of harmonics, at least 1.
    sample_rate : float
        Samples per second, positive.
    normalize : bool
        If true, the weights of a harmonic are divided by their sum where that is more than 1.

    Returns
    -------
    amplitudes : array, shape (...)
        Overall amplitude.
    harmonic_distribution : array, shape (..., n_harmonics)
        Distribution with a sum of 1, or zeros where no sinusoid is near any harmonic.

    Raises
    ------
    ParameterError
        If harmonic_width is out of range, sample_rate not positive, or n_harmonics no whole number
        from 1.

    Notes
    -----
    Gradient: through weights, sums and quotients; 0 through the limit at half the sample rate, and
    through the divisor where it was 0. Where the weights sum up to exactly 1, that of the side
    below. With a sum of weights near 0 the gradient of the distribution grows without limit.
    Precision: weights and sums in double precision. Where float32 weights underflow to 0, as in
    magenta, here a distribution is found; its amplitude is as small as it should be.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, sinusoidal_to_harmonic.
    Differences: none in meaning; the width is not a standard deviation, as magenta says, but the
    square root of 2 times that.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> sinusoids = np.array([0.3, 0.1]), np.array([200.0, 410.0])
    >>> amplitude, shares = ddsp_ref.sinusoidal_to_harmonic(*sinusoids, 200.0, n_harmonics=3)
    >>> float(amplitude.round(4)), shares.round(4)
    (0.3779, array([0.7939, 0.2061, 0.    ]))
    """
    harmonics_hz = f0_hz * xp.arange(1, n_harmonics + 1)
    distance = (sin_frequencies_hz - harmonics_hz[:, None]) / xp.where(f0_hz == 0, EPSILON, f0_hz)
    weights = xp.exp(-((distance / harmonic_width) ** 2))
    if normalize:
        total = xp.sum(weights, axis=1)
        weights = weights / xp.where(total > 1, total, 1.0)[:, None]
    harmonics = xp.dot(weights, sin_amplitudes)
    harmonics = xp.where(harmonics_hz >= sample_rate / 2, 0.0, harmonics)
    amplitude = xp.sum(harmonics)
    return amplitude, harmonics / xp.where(amplitude == 0, EPSILON, amplitude)


@njit
def _kernel(amplitudes, hz, f0_hz, width, nyquist, normalize, harmonics, totals, start, stop):
    """Fill harmonics with amplitudes, and totals with what their weights were divided by."""
    reach = width * math.sqrt(UNDERFLOW)
    for b in range(start, stop):
        f0 = float(f0_hz[b])
        divisor, step = (f0, 1.0) if f0 != 0.0 else (EPSILON, 0.0)
        n = 0
        while n < harmonics.shape[1] and f0 * (n + 1) < nyquist:
            n += 1
        for k in range(harmonics.shape[1]):
            harmonics[b, k], totals[b, k] = 0.0, 0.0
        for s in range(hz.shape[1]):
            ratio = float(hz[b, s]) / divisor
            # only harmonics with a weight above 0
            first, last = 0, n
            if step > 0.0:
                first = int(min(max(ratio - reach - 1.0, 0.0), float(n)))
                last = int(min(max(ratio + reach, 0.0), float(n)))
            for k in range(first, last):
                distance = (ratio - step * (k + 1)) / width
                weight = math.exp(-distance * distance)
                totals[b, k] += weight
                harmonics[b, k] += weight * float(amplitudes[b, s])
        for k in range(harmonics.shape[1]):
            if normalize and totals[b, k] > 1.0:
                harmonics[b, k] /= totals[b, k]
            else:
                totals[b, k] = 1.0


@njit
def _kernel_vjp(
    harmonics_bar, harmonics, totals, amplitudes, hz, f0_hz, width, nyquist,
    amplitudes_bar, hz_bar, f0_bar, start, stop,
):  # fmt: skip
    reach = width * math.sqrt(UNDERFLOW)
    for b in range(start, stop):
        f0, slide = float(f0_hz[b]), 0.0
        divisor, step = (f0, 1.0) if f0 != 0.0 else (EPSILON, 0.0)
        n = 0
        while n < harmonics.shape[1] and f0 * (n + 1) < nyquist:
            n += 1
        for s in range(hz.shape[1]):
            ratio, amplitude = float(hz[b, s]) / divisor, float(amplitudes[b, s])
            amplitude_bar, ratio_bar = 0.0, 0.0
            first, last = 0, n
            if step > 0.0:
                first = int(min(max(ratio - reach - 1.0, 0.0), float(n)))
                last = int(min(max(ratio + reach, 0.0), float(n)))
            for k in range(first, last):
                distance = (ratio - step * (k + 1)) / width
                weight = math.exp(-distance * distance)
                bar = harmonics_bar[b, k] / totals[b, k]
                amplitude_bar += weight * bar
                # weights that share a sum: what the harmonic already has of its amplitude
                held = harmonics[b, k] if totals[b, k] != 1.0 else 0.0
                distance_bar = -2.0 * distance * weight * (amplitude - held) * bar
                ratio_bar += distance_bar / width
                slide -= distance_bar / width / divisor * (k + 1) * (1.0 - step)
            amplitudes_bar[b, s] = amplitude_bar
            hz_bar[b, s] = ratio_bar / divisor
            if ratio_bar != 0.0:  # of hz / f0, which may overflow; no quotient where f0 is 0
                slide -= ratio_bar * ratio / divisor * step
        f0_bar[b] = slide


def vjp(
    sin_amplitudes,
    sin_frequencies_hz,
    f0_hz,
    *,
    harmonic_width=0.1,
    n_harmonics=100,
    sample_rate=16000,
    normalize=False,
):
    dtype, n_rows = f0_hz.dtype, len(f0_hz)
    arrays = (sin_amplitudes, sin_frequencies_hz, f0_hz, float(harmonic_width), sample_rate / 2)
    harmonics, totals = np.empty((n_rows, n_harmonics)), np.empty((n_rows, n_harmonics))
    parts = ranges(n_rows, ROWS)
    run_parts(_kernel, [(*arrays, bool(normalize), harmonics, totals, *part) for part in parts])
    amplitude = harmonics.sum(axis=1)
    silent = amplitude == 0
    divisor = np.where(silent, EPSILON, amplitude)[:, None]
    distribution = harmonics / divisor

    def pullback(bars):
        amplitude_bar, distribution_bar = (bar.astype(np.float64) for bar in bars)
        along = np.sum(distribution_bar * distribution, axis=1)
        along[silent] = 0.0  # a constant in place of the sum passes nothing back
        harmonics_bar = (distribution_bar - along[:, None]) / divisor + amplitude_bar[:, None]
        shapes = (sin_amplitudes.shape, sin_amplitudes.shape, f0_hz.shape)
        results = tuple(np.zeros(shape) for shape in shapes)
        held = (harmonics_bar, harmonics, totals)
        run_parts(_kernel_vjp, [(*held, *arrays, *results, *part) for part in parts])
        return tuple(result.astype(dtype, copy=False) for result in results)

    y = amplitude.astype(dtype, copy=False), distribution.astype(dtype, copy=False)
    return y, pullback


def check(dims, *, harmonic_width=0.1, n_harmonics=100, sample_rate=16000, normalize=False):
    require(
        1e-9 <= harmonic_width <= 1e9,
        f"harmonic_width is {harmonic_width}, must be between 1e-9 and 1e9, e.g. 0.1",
    )
    require(
        n_harmonics >= 1,
        f"n_harmonics is {n_harmonics}, must be a whole number of at least 1, e.g. 60",
    )
    require(
        0 < sample_rate < math.inf, f"sample_rate is {sample_rate}, must be positive, e.g. 16000"
    )


def cases():
    # at a distance of harmonic_width a sinusoid counts 1/e
    loud, hz, f0 = np.array([0.5, 0.25, 1.0]), np.array([100.0, 200.0, 210.0]), np.array(100.0)
    near = math.exp(-1.0)
    second = 0.25 + near
    few = {"n_harmonics": 3}
    rows = 0.5 + 0.4 * np.sin(np.arange(15.0)).reshape(3, 5)
    offsets = 1 + 0.15 * np.cos(np.arange(15.0)).reshape(3, 5)
    near_hz = 200.0 * np.arange(1, 6) * offsets
    f0_hz = np.array([180.0, 200.0, 230.0])
    wide = {"n_harmonics": 6, "harmonic_width": 0.5}
    one = np.array([0.25])
    return [
        Case("by hand", [loud, hz, f0], few,
             (0.5 + second, np.array([0.5, second, 0.0]) / (0.5 + second))),
        # the second harmonic has weights 1 and 1/e: they are divided by 1 + 1/e
        Case("by hand, normalized", [loud, hz, f0], {**few, "normalize": True},
             (0.5 + second / (1 + near),
              np.array([0.5, second / (1 + near), 0.0]) / (0.5 + second / (1 + near))), False),
        Case("by hand, Nyquist", [loud, hz, f0], {**few, "sample_rate": 400},
             (0.5, np.array([1.0, 0.0, 0.0])), False),
        Case("typical", [rows, near_hz, f0_hz], wide),
        Case("normalized", [rows, near_hz, f0_hz], {**wide, "normalize": True}),
        Case("half above Nyquist", [rows, near_hz, f0_hz], {**wide, "sample_rate": 1250}),
        Case("nothing near", [loud, 0.5 + np.array([20.0, 30.0, 40.0]), np.array(1.0)],
             {"n_harmonics": 4}, (0.0, np.zeros(4))),
        Case("no f0", [loud, hz, np.array(0.0)], few, (0.0, np.zeros(3)), grad=False),
        Case("one sinusoid", [one, np.array([440.0]), np.array(440.0)], {"n_harmonics": 1},
             (0.25, np.ones(1))),
        Case("no width", [loud, hz, f0], {"harmonic_width": 0.0}, error="harmonic_width is 0.0"),
        Case("none", [loud, hz, f0], {"n_harmonics": 0}, error="n_harmonics is 0, must be a whole"),
        Case("no rate", [loud, hz, f0], {"sample_rate": -1}, error="sample_rate is -1, must be"),
        Case("sinusoids differ", [loud, hz[:2], f0], error="with n_sinusoids=3"),
    ]  # fmt: skip


sinusoidal_to_harmonic = Op(
    "sinusoidal_to_harmonic",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_sinusoids),(n_sinusoids),()->(),(n_harmonics)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, sinusoidal_to_harmonic",
)
