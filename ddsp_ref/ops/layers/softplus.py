"""Softplus: a rectifier without a kink."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Map any real number to a positive one, close to x for large x.

    ``y = log(1 + exp(x))``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number.

    Returns
    -------
    array, shape (...)
        Positive value; ln(2) at x = 0.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: ``sigmoid(x)``.
    Precision: evaluated as ``max(x, 0) + log1p(exp(-abs(x)))``, which neither overflows nor loses
    the small end.
    Source: Dugas et al. 2001; tf.nn.softplus.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.softplus(np.array([-2.0, 0.0, 2.0])).round(4)
    array([0.1269, 0.6931, 2.1269])
    """
    return xp.log1p(xp.exp(x))


def vjp(x):
    tail = np.exp(-np.abs(x))  # at most 1 for either sign

    def pullback(y_bar):
        # sigmoid(x) = exp(x) / (1 + exp(x)), both divided by exp(x) where x is positive
        return (y_bar * (np.exp(np.minimum(x, 0)) / (1 + tail)),)

    return np.maximum(x, 0) + np.log1p(tail), pullback


def cases():
    by_hand = np.array([-math.log(3.0), 0.0, math.log(3.0)])
    return [
        # 1 + 1/3, 1 + 1 and 1 + 3 under the logarithm
        Case("by hand", [by_hand], {}, np.log(np.array([4 / 3, 2.0, 4.0]))),
        Case("typical", [np.linspace(-6.0, 6.0, 24).reshape(2, 12)]),
        Case("far down", [np.array([-80.0, -40.0])]),
        Case("far up", [np.array([30.0, 500.0])]),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


softplus = Op(
    "softplus",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="Dugas et al. 2001; tf.nn.softplus",
)
