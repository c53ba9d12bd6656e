"""Division that is defined everywhere."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(numerator, denominator, *, eps=1e-7, xp=np):
    """Divide, with a stand-in for a denominator of exactly 0.

    ``y = numerator / (denominator if denominator != 0 else eps)``

    Parameters
    ----------
    numerator : array, shape (...)
        What is divided.
    denominator : array, shape (...)
        What it is divided by.
    eps : float
        Stand-in for a denominator of exactly 0, positive.

    Returns
    -------
    array, shape (...)
        Quotient.

    Raises
    ------
    ParameterError
        If eps is not positive, or an input is not finite.

    Notes
    -----
    Gradient: ``1 / denominator`` and ``-y / denominator``; at a denominator of 0 they are
    ``1 / eps`` and 0.
    Precision: that of one division. eps is no floor: a tiny denominator stays, and a quotient
    beyond the range of the type overflows to infinity as it does in NumPy.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, safe_divide.
    Differences: none. magenta's nan_to_num, which repairs such quotients afterwards, has no
    counterpart here: inputs of every op must be finite.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.safe_divide(np.array([1.0, 0.0, 1.0]), np.array([4.0, 0.0, 0.0]), eps=0.5)
    array([0.25, 0.  , 2.  ])
    """
    return numerator / xp.where(denominator == 0, eps, denominator)


def vjp(numerator, denominator, *, eps=1e-7):
    given = denominator != 0
    safe = np.where(given, denominator, denominator.dtype.type(eps))
    y = numerator / safe

    def pullback(y_bar):
        numerator_bar = y_bar / safe
        return numerator_bar, -numerator_bar * y * given

    return y, pullback


def check(dims, *, eps=1e-7):
    require(0 < eps < math.inf, f"eps is {eps}, must be positive, e.g. 1e-7")


def cases():
    above = np.array([3.0, -1.0, 0.0, 2.0])
    return [
        Case(
            "by hand",
            [above, np.array([4.0, 0.5, 0.0, 0.0])],
            {"eps": 0.25},
            np.array([0.75, -2.0, 0.0, 8.0]),
            grad=False,
        ),
        Case("typical", [np.linspace(-2, 2, 12).reshape(3, 4), np.linspace(0.3, 3, 4)]),
        Case("negative", [above, np.array(-2.0)], {}, -above / 2),
        Case("tiny is not zero", [np.array([1.0]), np.array([1e-9])], {}, np.array([1e9])),
        Case("zero by zero", [np.zeros(2), np.zeros(2)], {}, np.zeros(2), grad=False),
        Case("eps 0", [above, above], {"eps": 0.0}, error="eps is 0.0, must be positive"),
        Case("not a number", [above[:1], np.array([np.nan])], error="denominator is nan at index"),
    ]


safe_divide = Op(
    "safe_divide",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(),()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, safe_divide",
)
