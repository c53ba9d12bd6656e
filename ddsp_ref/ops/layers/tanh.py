"""Hyperbolic tangent: from any real number to (-1, 1)."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Map any real number to (-1, 1).

    ``y = tanh(x)``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number.

    Returns
    -------
    array, shape (...)
        Value between -1 and 1, of the sign of x.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: ``1 - y ** 2``, which is 0 once y has been rounded to 1.
    Precision: that of NumPy's tanh.
    Source: tf.math.tanh.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.tanh(np.array([-0.5, 0.0, 2.0])).round(4)
    array([-0.4621,  0.    ,  0.964 ])
    """
    return 1.0 - 2.0 / (xp.exp(2.0 * x) + 1.0)


def vjp(x):
    y = np.tanh(x)

    def pullback(y_bar):
        return (y_bar * (1 - y * y),)

    return y, pullback


def cases():
    log_2 = math.log(2.0)
    return [
        # exp(2 ln 2) = 4: (4 - 1) / (4 + 1)
        Case("by hand", [np.array([-log_2, 0.0, log_2])], {}, np.array([-0.6, 0.0, 0.6])),
        Case("typical", [np.linspace(-4.0, 4.0, 24).reshape(2, 12)]),
        Case("far out", [np.array([-150.0, -20.0, 0.5, 20.0, 150.0])]),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


tanh = Op(
    "tanh",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="tf.math.tanh",
)
