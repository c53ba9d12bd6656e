"""Identity that turns the gradient round."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(x, *, scale=1.0, xp=np):
    """Pass the value through and the cotangent back with its sign turned.

    ``y = x``, and backwards ``x_bar = -scale * y_bar``

    Parameters
    ----------
    x : array, shape (...)
        Any real number.
    scale : float
        Factor of the reversed gradient, any finite number; -1 is the true gradient.

    Returns
    -------
    array, shape (...)
        The input itself.

    Raises
    ------
    ParameterError
        If scale is not finite.

    Notes
    -----
    Gradient: ``-scale``. On purpose this is not the derivative of the value, which is 1: what
    lies before this op is trained against the loss, what lies behind it for the loss.
    Precision: exact.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, gradient_reversal; Ganin et al. 2016, eq. 16 and 17,
    where scale is called lambda.
    Differences: magenta has no scale, its value is 1.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> y, pullback = ddsp_ref.gradient_reversal.vjp(np.array([3.0, -2.0]))
    >>> y
    array([ 3., -2.])
    >>> pullback(np.array([1.0, 5.0]))
    (array([-1., -5.]),)
    """
    return 1.0 * x


def vjp(x, *, scale=1.0):
    factor = x.dtype.type(-scale)

    def pullback(y_bar):
        return (factor * y_bar,)

    return x.copy(), pullback


def check(dims, *, scale=1.0):
    require(math.isfinite(scale), f"scale is {scale}, must be finite, e.g. 1")


def cases():
    by_hand = np.array([3.0, 0.0, -2.0])
    typical = np.linspace(-3.0, 3.0, 12).reshape(3, 4)
    return [
        # the gradient is meant to differ from that of the definition
        Case("by hand", [by_hand], {}, by_hand, grad=False),
        Case("typical", [typical], {"scale": 0.1}, typical, grad=False),
        Case("true gradient", [typical], {"scale": -1.0}, typical),
        Case("infinite", [by_hand], {"scale": math.inf}, error="scale is inf, must be finite"),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


gradient_reversal = Op(
    "gradient_reversal",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, gradient_reversal",
)
