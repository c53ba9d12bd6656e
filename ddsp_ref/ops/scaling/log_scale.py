"""From the interval -1 ... 1 to a range of positive values: logarithmic scaling."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(x, *, min_x, max_x, xp=np):
    """Map the interval -1 ... 1 to a range of positive values, equal steps being equal ratios.

    ``y = min_x ** (1 - u) * max_x ** u`` with ``u = (x + 1) / 2``

    Parameters
    ----------
    x : array, shape (...)
        Position in the range, -1 to 1; beyond it the curve goes on.
    min_x : float
        Value at -1, at least 1e-30.
    max_x : float
        Value at 1, greater than min_x, at most 1e30.

    Returns
    -------
    array, shape (...)
        Value between min_x and max_x for x between -1 and 1.

    Raises
    ------
    ParameterError
        If min_x or max_x is out of range.

    Notes
    -----
    Gradient: ``ln(max_x / min_x) / 2 * y``.
    Precision: relative.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, log_scale.
    Differences: none in range; magenta also takes min_x > max_x, which falls.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.log_scale(np.array([-1.0, 0.0, 1.0]), min_x=0.01, max_x=100.0).round(6)
    array([1.e-02, 1.e+00, 1.e+02])
    """
    share = (x + 1.0) / 2.0
    return xp.exp((1.0 - share) * math.log(min_x) + share * math.log(max_x))


def vjp(x, *, min_x, max_x):
    dtype = x.dtype.type
    half_span = dtype((math.log(max_x) - math.log(min_x)) / 2)
    y = np.exp(x * half_span)
    y *= dtype(math.sqrt(min_x) * math.sqrt(max_x))

    def pullback(y_bar):
        return (y_bar * (half_span * y),)

    return y, pullback


def check(dims, *, min_x, max_x):
    require(min_x >= 1e-30, f"min_x is {min_x}, must be at least 1e-30, e.g. 0.001")
    require(
        min_x < max_x <= 1e30,
        f"max_x is {max_x}, must be greater than min_x, {min_x}, and at most 1e30, "
        f"e.g. {10 * min_x}",
    )


def cases():
    decades = {"min_x": 0.1, "max_x": 1000.0}
    return [
        # two decades for each unit, 10 in the middle
        Case("by hand", [np.array([-1.0, -0.5, 0.0, 1.0, 1.5])], decades,
             np.array([0.1, 1.0, 10.0, 1000.0, 10000.0])),
        Case("typical", [np.linspace(-1.0, 1.0, 12).reshape(3, 4)], {"min_x": 1e-3, "max_x": 10.0}),
        Case("one value", [np.array(0.3)], decades),
        Case("zero", [np.zeros(2)], {"min_x": 0.0, "max_x": 1.0}, error="min_x is 0.0, must be"),
        Case("empty range", [np.zeros(2)], {"min_x": 2.0, "max_x": 2.0},
             error="max_x is 2.0, must be greater than min_x, 2.0"),
        Case("no range", [np.zeros(2)], error="the setting 'min_x' is missing"),
    ]  # fmt: skip


log_scale = Op(
    "log_scale",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, log_scale",
)
