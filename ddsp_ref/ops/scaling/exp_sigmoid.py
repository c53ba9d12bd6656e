"""Exponentiated sigmoid: from network outputs to amplitudes."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit_relaxed, ranges, run_parts
from ddsp_ref.op import Case, Op
from ddsp_ref.ops._exponentials import decay, log_1_plus

_PART = 1 << 15  # values that one thread takes at a time


def define(x, *, exponent=10.0, max_value=2.0, threshold=1e-7, xp=np):
    """Map any real number to a positive amplitude.

    ``y = max_value * sigmoid(x) ** ln(exponent) + threshold``

    Parameters
    ----------
    x : array, shape (...)
        Network output, any real number.
    exponent : float
        Steepness, greater than 1: for very negative x, y shrinks by this factor per unit of x.
    max_value : float
        Limit for large x, positive.
    threshold : float
        Smallest value, at least 0.

    Returns
    -------
    array, shape (...)
        Amplitude in (threshold, max_value + threshold).

    Raises
    ------
    ParameterError
        If a setting is out of its range.

    Notes
    -----
    Gradient: ``dy/dx = ln(exponent) * (1 - sigmoid(x)) * (y - threshold)``.
    Precision: evaluated as ``exp(-ln(exponent) * softplus(-x))`` in double precision, which neither
    overflows nor loses the small end, down to 1e-304.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, exp_sigmoid; Engel et al. 2020, eq. 5.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.exp_sigmoid(np.array([-10.0, 0.0, 10.0])).round(4)
    array([0.    , 0.4054, 1.9998])
    """
    sigmoid = 1.0 / (1.0 + xp.exp(-x))
    return max_value * sigmoid ** math.log(exponent) + threshold


@njit_relaxed
def _kernel(x, steepness, max_value, threshold, y):
    for i in range(x.size):
        value = np.float64(x[i])
        softplus = max(-value, 0.0) + log_1_plus(decay(abs(value)))  # of -x
        y[i] = max_value * decay(steepness * softplus) + threshold


@njit_relaxed
def _kernel_vjp(x, steepness, max_value, threshold, y, slope):
    for i in range(x.size):
        value = np.float64(x[i])
        tail = decay(abs(value))
        softplus = max(-value, 0.0) + log_1_plus(tail)
        scaled = max_value * decay(steepness * softplus)
        y[i] = scaled + threshold
        # 1 - sigmoid(x), exact for large x
        complement = (tail if value > 0 else 1.0) / (1.0 + tail)
        slope[i] = steepness * complement * scaled


def _run(kernel, x, exponent, max_value, threshold, *results):
    flat = [array.reshape(-1) for array in (x, *results)]
    settings = math.log(exponent), float(max_value), float(threshold)
    parts = [slice(*part) for part in ranges(x.size, _PART)]
    run_parts(kernel, [(flat[0][p], *settings, *(own[p] for own in flat[1:])) for p in parts])


def forward(x, *, exponent, max_value, threshold):
    y = np.empty_like(x)
    _run(_kernel, x, exponent, max_value, threshold, y)
    return y


def vjp(x, *, exponent, max_value, threshold):
    y, slope = np.empty_like(x), np.empty_like(x)
    _run(_kernel_vjp, x, exponent, max_value, threshold, y, slope)
    return y, lambda y_bar: (y_bar * slope,)


def check(dims, *, exponent=10.0, max_value=2.0, threshold=1e-7):
    require(exponent > 1, f"exponent is {exponent}, must be greater than 1, e.g. 10")
    require(max_value > 0, f"max_value is {max_value}, must be positive, e.g. 2")
    require(threshold >= 0, f"threshold is {threshold}, must be at least 0, e.g. 1e-7")


def cases():
    return [
        # sigmoid(0) = 1/2; with exponent e the power is 1
        Case("by hand", [np.array([0.0])], {"exponent": math.e, "threshold": 0.0}, np.array([1.0])),
        # sigmoid(ln 3) = 3/4; with exponent e^2 the power is 2: 4 * 9/16 + 1/4
        Case(
            "by hand, all settings",
            [np.array([math.log(3.0)])],
            {"exponent": math.e**2, "max_value": 4.0, "threshold": 0.25},
            np.array([2.5]),
        ),
        Case("typical", [np.linspace(-6.0, 6.0, 24).reshape(2, 12)]),
        Case("far out", [np.array([-80.0, -30.0, 30.0, 500.0])]),
        Case("exponent 1", [np.zeros(2)], {"exponent": 1.0}, error="exponent is 1.0, must be gre"),
        Case("negative max", [np.zeros(2)], {"max_value": -1.0}, error="max_value is -1.0"),
        Case("negative threshold", [np.zeros(2)], {"threshold": -1.0}, error="threshold is -1.0"),
        Case("not a number", [np.array([0.0, np.nan])], error=r"x is nan at index \(1,\)"),
    ]


exp_sigmoid = Op(
    "exp_sigmoid",
    define,
    vjp=vjp,
    forward=forward,
    check=check,
    cases=cases,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, exp_sigmoid",
)
