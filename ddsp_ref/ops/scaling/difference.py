"""First difference along the last axis."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Take the difference of neighbours.

    ``y[n] = x[n + 1] - x[n]``

    Parameters
    ----------
    x : array, shape (..., n)
        Values in a row, at least 2.

    Returns
    -------
    array, shape (..., n - 1)
        Differences.

    Raises
    ------
    ParameterError
        If there are fewer than 2 values.

    Notes
    -----
    Gradient: the negative difference of the cotangent, with zeros beyond its ends.
    Precision: that of one subtraction.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, diff.
    Differences: always the last axis; move another one there. magenta returns an empty array for
    a single value, this op raises.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.difference(np.array([1.0, 4.0, 9.0]))
    array([3., 5.])
    """
    return x[1:] - x[:-1]


def vjp(x):
    def pullback(y_bar):
        x_bar = np.zeros_like(x)
        x_bar[:, 1:] = y_bar
        x_bar[:, :-1] -= y_bar
        return (x_bar,)

    return x[:, 1:] - x[:, :-1], pullback


def check(dims):
    require(dims["n"] >= 2, f"x has {dims['n']} value in a row, must have at least 2")


def cases():
    squares = np.arange(5.0) ** 2
    return [
        Case("by hand", [squares], {}, np.array([1.0, 3.0, 5.0, 7.0])),
        Case("by hand, rows", [np.stack([squares, -squares])], {},
             np.array([[1.0, 3.0, 5.0, 7.0], [-1.0, -3.0, -5.0, -7.0]])),
        Case("typical", [np.sin(np.arange(24.0)).reshape(2, 3, 4)]),
        Case("two values", [np.array([1.0, -1.0])], {}, np.array([-2.0])),
        Case("one value", [np.ones((3, 1))], error="x has 1 value in a row, must have at least 2"),
        Case("no axis", [np.array(1.0)], error=r"x has shape \(\), must be \(\.\.\., n\)"),
    ]  # fmt: skip


difference = Op(
    "difference",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n)->(n_less)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, diff",
)
