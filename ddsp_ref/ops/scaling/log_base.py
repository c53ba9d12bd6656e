"""Logarithm to any base, defined everywhere."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(x, *, base=10.0, eps=1e-5, xp=np):
    """Take the logarithm to any base, with a stand-in for values that have none.

    ``y = ln(x) / ln(base) if x > 0 else ln(eps) / ln(base)``

    Parameters
    ----------
    x : array, shape (...)
        Input; positive where a logarithm is meant.
    base : float
        Base, positive and not 1.
    eps : float
        Stand-in for values of 0 or less, positive.

    Returns
    -------
    array, shape (...)
        Logarithm to the base.

    Raises
    ------
    ParameterError
        If base or eps is out of its range.

    Notes
    -----
    Gradient: ``1 / (ln(base) * x)`` for x > 0, without limit as x falls; 0 for x <= 0.
    Precision: that of NumPy's log and one multiplication.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, logb and log10.
    Differences: one op for both; logb without a base means base 2. Where magenta puts eps in
    place of a base of 0 or less, or divides by eps for base 1, this op raises.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.log_base(np.array([-1.0, 0.0, 1.0, 100.0])).round(6)
    array([-5., -5.,  0.,  2.])
    >>> ddsp_ref.log_base(np.array([1.0, 8.0]), base=2).round(6)
    array([0., 3.])
    """
    return xp.log(xp.where(x > 0, x, eps)) / math.log(base)


def vjp(x, *, base=10.0, eps=1e-5):
    scale = x.dtype.type(1 / math.log(base))
    positive = x > 0
    safe = np.where(positive, x, 1)
    y = np.log(safe)
    y *= scale
    y[~positive] = math.log(eps) / math.log(base)

    def pullback(y_bar):
        return (y_bar * (scale / safe) * positive,)

    return y, pullback


def check(dims, *, base=10.0, eps=1e-5):
    rule = "must be positive and not 1, e.g. 10"
    require(0 < base < math.inf and base != 1, f"base is {base}, {rule}")
    require(0 < eps < math.inf, f"eps is {eps}, must be positive, e.g. 1e-5")


def cases():
    by_hand = np.array([1000.0, 1.0, 0.1, 0.0, -3.0])
    return [
        Case("by hand", [by_hand], {}, np.array([3.0, 0.0, -1.0, -5.0, -5.0]), grad=False),
        Case(
            "by hand, base 2",
            [np.array([8.0, 0.25, -1.0])],
            {"base": 2.0, "eps": 0.125},
            np.array([3.0, -2.0, -3.0]),
            grad=False,
        ),
        Case("base below 1", [np.array([4.0, 0.5])], {"base": 0.5}, np.array([-2.0, 1.0])),
        Case("typical", [np.linspace(0.01, 5.0, 12).reshape(3, 4)], {"base": 3.0}),
        # the steps of a difference quotient would be larger than the values
        Case("small", [np.array([1e-12, 1e-3])], {}, np.array([-12.0, -3.0]), grad=False),
        Case("base 1", [np.ones(2)], {"base": 1.0}, error="base is 1.0, must be positive and not"),
        Case("base 0", [np.ones(2)], {"base": 0}, error="base is 0, must be positive and not 1"),
        Case("below eps", [np.array([2e-3, 0.05, 0.5])], {"eps": 0.125}),
        Case("eps 0", [np.ones(2)], {"eps": 0.0}, error="eps is 0.0, must be positive"),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


log_base = Op(
    "log_base",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, logb and log10",
)
