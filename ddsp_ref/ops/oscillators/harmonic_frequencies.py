"""Whole multiples of a fundamental frequency."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(f0_hz, *, n_harmonics, xp=np):
    """Multiply the fundamental frequency by 1, 2, 3 and so on.

    ``y[k] = (k + 1) * f0_hz``

    Parameters
    ----------
    f0_hz : array, shape (...)
        Fundamental frequency in Hz.
    n_harmonics : int
        Number of harmonics, at least 1; the first one is the fundamental itself.

    Returns
    -------
    array, shape (..., n_harmonics)
        Frequency of each harmonic in Hz.

    Raises
    ------
    ParameterError
        If n_harmonics is no whole number of at least 1.

    Notes
    -----
    Gradient: ``sum_k (k + 1) * y_bar[k]``.
    Precision: one rounding; the sum of the gradient runs in double precision.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, get_harmonic_frequencies.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.harmonic_frequencies(np.array([100.0, 220.0]), n_harmonics=3)
    array([[100., 200., 300.],
           [220., 440., 660.]])
    """
    return f0_hz * xp.arange(1, n_harmonics + 1)


def vjp(f0_hz, *, n_harmonics):
    factors = np.arange(1, n_harmonics + 1, dtype=f0_hz.dtype)

    def pullback(y_bar):
        f0_bar = np.sum(y_bar * factors, axis=1, dtype=np.float64)
        return (f0_bar.astype(f0_hz.dtype, copy=False),)

    return f0_hz[:, None] * factors, pullback


def check(dims, *, n_harmonics):
    require(
        n_harmonics >= 1,
        f"n_harmonics is {n_harmonics}, must be a whole number of at least 1, e.g. 60",
    )


def cases():
    hz = np.array([110.0, 0.0])
    return [
        Case("by hand", [hz], {"n_harmonics": 3}, np.array([[110.0, 220.0, 330.0], [0, 0, 0]])),
        Case("typical", [np.linspace(50.0, 900.0, 6).reshape(2, 3)], {"n_harmonics": 7}),
        Case("one harmonic", [hz], {"n_harmonics": 1}, hz[:, None]),
        Case("one frequency", [np.array(55.0)], {"n_harmonics": 2}, np.array([55.0, 110.0])),
        Case("none", [hz], {"n_harmonics": 0}, error="n_harmonics is 0, must be a whole number"),
        Case("half", [hz], {"n_harmonics": 1.5}, error="n_harmonics is 1.5, must be a whole numb"),
    ]


harmonic_frequencies = Op(
    "harmonic_frequencies",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="()->(n_harmonics)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, get_harmonic_frequencies",
)
