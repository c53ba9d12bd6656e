"""Logarithm that is defined everywhere."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(x, *, eps=1e-5, xp=np):
    """Take the natural logarithm, with a stand-in for values that have none.

    ``y = ln(x) if x > 0 else ln(eps)``

    Parameters
    ----------
    x : array, shape (...)
        Input; positive where a logarithm is meant.
    eps : float
        Stand-in for values of 0 or less, positive.

    Returns
    -------
    array, shape (...)
        Natural logarithm.

    Raises
    ------
    ParameterError
        If eps is not positive.

    Notes
    -----
    Gradient: ``1 / x`` for x > 0, without limit as x falls; 0 for x <= 0.
    Precision: that of NumPy's log.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, safe_log.
    Differences: none. eps is no floor: ``safe_log(1e-12)`` is far below ``safe_log(0)``.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.safe_log(np.array([-1.0, 0.0, 1e-12, 1.0])).round(2)
    array([-11.51, -11.51, -27.63,   0.  ])
    """
    return xp.log(xp.where(x > 0, x, eps))


def vjp(x, *, eps=1e-5):
    positive = x > 0
    safe = np.where(positive, x, 1)
    y = np.log(safe)
    y[~positive] = math.log(eps)

    def pullback(y_bar):
        return (y_bar * positive / safe,)

    return y, pullback


def check(dims, *, eps=1e-5):
    require(eps > 0, f"eps is {eps}, must be positive, e.g. 1e-5")


def cases():
    return [
        Case(
            "by hand",
            [np.array([math.e, 1.0, 0.0, -2.0])],
            {"eps": math.exp(-3.0)},
            np.array([1.0, 0.0, -3.0, -3.0]),
            grad=False,
        ),
        Case("typical", [np.linspace(0.01, 5.0, 12).reshape(3, 4)]),
        # the steps of a difference quotient would be larger than the values
        Case("small", [np.array([1e-12, 1e-3])], grad=False),
        Case("below eps", [np.array([2e-3, 0.05, 0.5])], {"eps": 0.125}),
        Case("eps 0", [np.ones(2)], {"eps": 0.0}, error="eps is 0.0, must be positive"),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


safe_log = Op(
    "safe_log",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, safe_log",
)
