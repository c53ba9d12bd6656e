"""Exponential function as a nonlinearity."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Map any real number to a positive one.

    ``y = exp(x)``

    Parameters
    ----------
    x : array, shape (...)
        Input, below 88 in float32 and below 709 in float64, where the result is still finite.

    Returns
    -------
    array, shape (...)
        Positive value.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: the value itself.
    Precision: that of NumPy's exp; overflows to infinity as it does.
    Source: keras.activations.exponential.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.exponential(np.array([-1.0, 0.0, 2.0])).round(4)
    array([0.3679, 1.    , 7.3891])
    """
    return xp.exp(x)


def vjp(x):
    y = np.exp(x)

    def pullback(y_bar):
        return (y_bar * y,)

    return y, pullback


def cases():
    by_hand = np.array([-math.log(4.0), 0.0, math.log(3.0)])
    return [
        Case("by hand", [by_hand], {}, np.array([0.25, 1.0, 3.0])),
        Case("typical", [np.linspace(-6.0, 6.0, 24).reshape(2, 12)]),
        Case("far down", [np.array([-80.0, -40.0])]),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


exponential = Op(
    "exponential",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="keras.activations.exponential",
)
