"""From the shares of partials to one cycle of their sum."""

from __future__ import annotations

import numpy as np
import scipy.fft

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(harmonic_distribution, *, n_wavetable=2048, xp=np):
    """Turn a harmonic distribution into one cycle of a sum of cosines.

    ``y[n] = sum_k c_k harmonic_distribution[k] cos(2 pi k n / n_wavetable)``, k from 1, with
    ``c_k = 1``, but 1/2 for ``k = n_wavetable / 2``.

    Parameters
    ----------
    harmonic_distribution : array, shape (..., n_harmonics)
        Amplitude of each partial; at most half as many as the table has points.
    n_wavetable : int
        Number of points of the table, even.

    Returns
    -------
    array, shape (..., n_wavetable)
        Wavetable, for `linear_lookup` and `wavetable_synthesis`.

    Raises
    ------
    ParameterError
        If n_wavetable is odd or too small for the partials.

    Notes
    -----
    Gradient: linear; the cotangent is the cosine transform of y_bar.
    Precision: an FFT in the precision of the input.
    Differences: with an odd number of points the source returns one point less, scaled as if it
    were there; here that is refused.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, harmonic_distribution_to_wavetable.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.harmonic_distribution_to_wavetable(np.array([1.0]), n_wavetable=4).round(6) + 0.0
    array([ 1.,  0., -1.,  0.])
    """
    k = np.arange(1, harmonic_distribution.shape[0] + 1)
    weight = np.where(2 * k == n_wavetable, 0.5, 1.0)
    n = np.arange(n_wavetable)[:, None]
    return xp.dot(weight * np.cos(2 * np.pi * k * n / n_wavetable), harmonic_distribution)


def vjp(harmonic_distribution, *, n_wavetable=2048):
    n_batch, n_harmonics = harmonic_distribution.shape
    spectrum = np.zeros((n_batch, n_harmonics + 1), np.result_type(harmonic_distribution, 1j))
    spectrum[:, 1:] = harmonic_distribution
    y = scipy.fft.irfft(spectrum, n_wavetable, axis=1) if n_batch else np.empty((0, n_wavetable))
    y *= n_wavetable / 2

    def pullback(y_bar):
        if not n_batch:
            return (np.zeros_like(harmonic_distribution),)
        bar = scipy.fft.rfft(y_bar, axis=1).real[:, 1 : n_harmonics + 1].copy()
        if 2 * n_harmonics == n_wavetable:
            bar[:, -1] /= 2
        return (bar,)

    return y, pullback


def check(dims, *, n_wavetable=2048):
    n_harmonics = dims["n_harmonics"]
    require(
        n_wavetable >= 2 and n_wavetable % 2 == 0,
        f"n_wavetable is {n_wavetable}, must be an even number of at least 2, e.g. 2048",
    )
    require(
        2 * n_harmonics <= n_wavetable,
        f"n_wavetable is {n_wavetable}, must be at least twice n_harmonics={n_harmonics}, "
        f"e.g. {2 * n_harmonics}",
    )


def cases():
    shares = 1 + np.sin(np.arange(15.0)).reshape(3, 5)
    four = {"n_wavetable": 4}
    return [
        # cos of 0, 90, 180, 270 degrees is 1, 0, -1, 0; of twice that 1, -1, 1, -1, halved
        Case("by hand", [np.array([3.0, 4.0])], four, np.array([5.0, -2.0, -1.0, -2.0])),
        Case("typical", [shares], {"n_wavetable": 32}),
        Case("up to Nyquist", [shares], {"n_wavetable": 10}),
        Case("default size", [shares[0]]),
        Case("one partial", [shares[:, :1]], {"n_wavetable": 2}),
        Case("too many partials", [shares], {"n_wavetable": 8}, error="n_harmonics=5, e.g. 10"),
        Case("odd", [shares], {"n_wavetable": 33}, error="n_wavetable is 33, must be an even"),
        Case("no points", [shares], {"n_wavetable": 0}, error="n_wavetable is 0, must be an even"),
    ]


harmonic_distribution_to_wavetable = Op(
    "harmonic_distribution_to_wavetable",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_harmonics)->(n_wavetable)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, harmonic_distribution_to_wavetable",
)
