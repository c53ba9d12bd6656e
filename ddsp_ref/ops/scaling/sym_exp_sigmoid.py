"""Exponentiated sigmoid that is even in its input."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

LN_10 = math.log(10.0)
MAX_VALUE, THRESHOLD = 2.0, 1e-7


def define(x, *, width=8.0, xp=np):
    """Map any real number to a positive amplitude, small around 0 and alike on both sides.

    ``y = 2 * sigmoid(u) ** ln(10) + 1e-7`` with ``u = width * (abs(x) / 2 - 1)``

    Parameters
    ----------
    x : array, shape (...)
        Any real number.
    width : float
        Steepness of both sides, positive; the knees are at -2 and 2 for any width.

    Returns
    -------
    array, shape (...)
        Amplitude in (1e-7, 2 + 1e-7).

    Raises
    ------
    ParameterError
        If width is not positive.

    Notes
    -----
    Gradient: ``sign(x) * width / 2 * ln(10) * (1 - sigmoid(u)) * (y - 1e-7)``; 0 at the kink x = 0.
    Precision: evaluated as ``exp(-ln(10) * softplus(-u))``, which neither overflows nor loses the
    small end.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, sym_exp_sigmoid.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.sym_exp_sigmoid(np.array([-3.0, -2.0, 0.0, 2.0, 3.0])).round(4)
    array([1.9181, 0.4054, 0.    , 0.4054, 1.9181])
    """
    u = width * (xp.abs(x) / 2.0 - 1.0)
    return MAX_VALUE * xp.exp(-LN_10 * xp.logaddexp(0.0, -u)) + THRESHOLD


def vjp(x, *, width=8.0):
    dtype = x.dtype.type
    u = np.abs(x)
    u *= dtype(width / 2)
    u -= dtype(width)
    # softplus(-u) without overflow for either sign
    tail = np.exp(-np.abs(u))
    scaled = np.maximum(-u, 0) + np.log1p(tail)
    scaled = np.exp(-dtype(LN_10) * scaled)
    scaled *= dtype(MAX_VALUE)

    def pullback(y_bar):
        complement = np.exp(-np.maximum(u, 0)) / (1 + tail)  # 1 - sigmoid(u)
        slope = dtype(LN_10 * width / 2) * complement * scaled
        return (y_bar * np.sign(x) * slope,)

    return scaled + dtype(THRESHOLD), pullback


def check(dims, *, width=8.0):
    require(0 < width < math.inf, f"width is {width}, must be positive, e.g. 8")


def cases():
    # u = ln 3 and so sigmoid 3/4, and u = -ln 3 with sigmoid 1/4
    knee = math.log(3.0) / 2
    both = 2 * np.array([0.75, 0.25, 0.75, 0.5]) ** LN_10 + 1e-7
    return [
        Case("by hand", [np.array([2 + knee, 2 - knee, -2 - knee, 2.0])], {"width": 4.0}, both),
        Case("typical", [np.linspace(-4.0, 4.0, 24).reshape(2, 12)]),
        Case("flat", [np.linspace(-4.0, 4.0, 6)], {"width": 0.5}),
        Case("kink", [np.array([0.0])], {}, 2 * (1 / (1 + math.exp(8.0))) ** LN_10 + 1e-7, False),
        Case("far out", [np.array([-500.0, 30.0])], {}, 2 + 1e-7 * np.ones(2), grad=False),
        Case("no width", [np.zeros(2)], {"width": 0.0}, error="width is 0.0, must be positive"),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


sym_exp_sigmoid = Op(
    "sym_exp_sigmoid",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, sym_exp_sigmoid",
)
