"""The sinc function, normalised: the impulse response of an ideal low-pass."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Evaluate the normalised sinc function.

    ``y = sin(pi x) / (pi x)``, and 1 at 0

    Parameters
    ----------
    x : array, shape (...)
        Any real number; y is zero at whole numbers but 0.

    Returns
    -------
    array, shape (...)
        Value between -0.22 and 1.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: ``(cos(pi x) - y) / x``; near 0, where this cancels, its power series.
    Precision: float64 inside, whatever the input.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, sinc.
    Differences: the source takes 1e-20 for smaller x, which changes no digit; its gradient near 0
    is what is left by the cancellation.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.sinc(np.array([-0.5, 0.0, 0.5, 1.5])).round(4)
    array([ 0.6366,  1.    ,  0.6366, -0.2122])
    """
    angle = np.pi * xp.where(x == 0, 1.0, x)
    return xp.where(x == 0, 1.0, xp.sin(angle) / angle)


NEAR = 0.25
# d/dx of (pi x)^(2 n) / (2 n + 1)!, alternating, over x
_SERIES = [(-1) ** n * 2 * n * math.pi ** (2 * n) / math.factorial(2 * n + 1) for n in range(9)]


def vjp(x):
    wide = x.astype(np.float64)
    y = np.sinc(wide)

    def pullback(y_bar):
        near = np.abs(wide) < NEAR
        slope = (np.cos(np.pi * wide) - y) / np.where(near, 1.0, wide)
        slope[near] = wide[near] * np.polynomial.polynomial.polyval(wide[near] ** 2, _SERIES[1:])
        return (slope * y_bar,)

    return y.astype(x.dtype), pullback


def cases():
    return [
        # sin(pi/2) / (pi/2), sin(3 pi/2) / (3 pi/2), and the zeros
        Case("by hand", [np.array([0.0, 0.5, -1.5, 1.0, -4.0])], {},
             np.array([1.0, 2 / np.pi, -2 / (3 * np.pi), 0.0, 0.0])),
        Case("typical", [np.linspace(-4.3, 4.1, 24).reshape(2, 12)]),
        Case("near 0", [np.array([-0.3, -0.2, 0.1, 0.24, 0.26])]),
        Case("very near 0", [np.array([-1e-8, 0.0, 1e-9, 1e-30])], {}, np.ones(4), grad=False),
        Case("far out", [np.array([-300.3, 1000.7])]),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]  # fmt: skip


sinc = Op(
    "sinc",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, sinc",
)
