"""Soft limits on both sides."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(x, *, x_min=0.0, x_max=1.0, xp=np):
    """Limit values softly on both sides.

    ``y = x_min + softplus(x) - softplus(x - (x_max - x_min))``

    Parameters
    ----------
    x : array, shape (...)
        Any real number.
    x_min : float
        Limit for very negative x.
    x_max : float
        Limit for very large x, greater than x_min.

    Returns
    -------
    array, shape (...)
        Value between x_min and x_max.

    Raises
    ------
    ParameterError
        If x_max is not greater than x_min.

    Notes
    -----
    The straight part is ``y = x + x_min``, not ``y = x``, and the corners are rounded over a few
    units whatever the range is: with limits of 0 and 1 there is no straight part.
    Gradient: ``sigmoid(x) - sigmoid(x - (x_max - x_min))``.
    Precision: the softplus terms are split into a clipped line and what rounds its corners, so
    that nothing cancels for large x.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, soft_limit.
    Differences: none; the offset by x_min is magenta's.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.soft_limit(np.array([-50.0, 20.0, 500.0]), x_min=10.0, x_max=100.0).round(4)
    array([ 10.,  30., 100.])
    """

    def softplus(z):
        return xp.logaddexp(0.0, z)

    return softplus(x) + x_min - softplus(x - (x_max - x_min))


def tail_of(z):
    """Return exp(-|z|), at most 1."""
    tail = np.abs(z)
    np.negative(tail, out=tail)
    return np.exp(tail, out=tail)


def vjp(x, *, x_min=0.0, x_max=1.0):
    dtype = x.dtype.type
    span = dtype(x_max - x_min)
    # both softplus terms have the same tail, exp(-|z|), on either side of their corner
    tail, tail_beyond = tail_of(x), tail_of(x - span)
    y = tail - tail_beyond  # log(1 + tail) - log(1 + tail_beyond) as one logarithm
    y /= 1 + tail_beyond
    np.log1p(y, out=y)
    y += np.clip(x, 0, span)
    y += dtype(x_min)

    def pullback(y_bar):
        # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), without cancellation
        slope = np.minimum(x, 0)
        slope -= np.maximum(x - span, 0)  # with the tails: e^a / (1 + e^a) and 1 / (1 + e^b)
        np.exp(slope, out=slope)
        slope /= 1 + tail
        slope /= 1 + tail_beyond
        slope *= -np.expm1(-span)
        slope *= y_bar
        return (slope,)

    return y, pullback


def check(dims, *, x_min=0.0, x_max=1.0):
    require(
        -math.inf < x_min < x_max < math.inf,
        f"x_max is {x_max}, must be greater than x_min, {x_min}, e.g. {x_min + 1}",
    )


def cases():
    ln3 = math.log(3.0)
    return [
        # softplus(0) = ln 2, softplus(ln 3) = ln 4, softplus(-ln 3) = ln(4/3)
        Case("by hand", [np.array([0.0, ln3])], {"x_max": ln3},
             np.array([math.log(2 * 3 / 4), math.log(4 / 2)])),
        Case("by hand, range", [np.array([0.0])], {"x_min": -2.0, "x_max": ln3 - 2},
             np.array([math.log(1.5) - 2])),
        Case("typical", [np.linspace(-6.0, 8.0, 24).reshape(2, 12)], {"x_max": 3.0}),
        Case("a range of frequencies", [np.linspace(10.0, 9000.0, 12)],
             {"x_min": 20.0, "x_max": 8000.0}),
        Case("far below", [np.array([-90.0, -60.0])], {"x_min": -1.0}),
        Case("far above", [np.array([2000.0, 70.0, -1000.0])], {}, np.array([1.0, 1.0, 0.0]),
             grad=False),
        Case("empty range", [np.zeros(2)], {"x_min": 1.0}, error="x_max is 1.0, must be greater"),
        Case("no number", [np.zeros(2)], {"x_max": math.nan}, error="x_max is nan, must be finite"),
    ]  # fmt: skip


soft_limit = Op(
    "soft_limit",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, soft_limit",
)
