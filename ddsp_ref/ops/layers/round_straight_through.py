"""Rounding that lets the gradient pass."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, straight_through=True, xp=np):
    """Round to the nearest whole number, and pass the cotangent back as if nothing happened.

    ``y = round(x)``, and backwards ``x_bar = y_bar``

    Parameters
    ----------
    x : array, shape (...)
        Any real number.
    straight_through : bool
        False: the true gradient, which is 0.

    Returns
    -------
    array, shape (...)
        Whole numbers; a half goes to the even neighbour.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: 1. On purpose this is not the derivative of the value.
    Precision: exact.
    Source: Bengio et al. 2013; magenta/ddsp 3.7.0, ddsp/training/nn.py,
    straight_through_int_quantization.
    Differences: magenta adds the difference to x, which costs a rounding.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> y, pullback = ddsp_ref.round_straight_through.vjp(np.array([0.4, 1.5, 2.5]))
    >>> y
    array([0., 2., 2.])
    >>> pullback(np.array([1.0, 2.0, 3.0]))
    (array([1., 2., 3.]),)
    """
    below = xp.floor(x)
    fraction = x - below
    odd = below - 2.0 * xp.floor(below / 2.0)
    up = (fraction > 0.5) | ((fraction == 0.5) & (odd == 1.0))
    return xp.where(up, below + 1.0, below)


def vjp(x, *, straight_through=True):
    def pullback(y_bar):
        return (y_bar if straight_through else np.zeros_like(y_bar),)

    return np.rint(x), pullback


def cases():
    by_hand = np.array([-1.5, -0.5, 0.5, 1.2, 2.5, 3.7])
    typical = np.linspace(-3.1, 3.0, 12).reshape(3, 4)
    return [
        # the gradient is meant to differ from that of the definition
        Case("by hand", [by_hand], {}, np.array([-2.0, 0.0, 0.0, 1.0, 2.0, 4.0]), grad=False),
        Case("typical", [typical], grad=False),
        Case("true gradient", [typical], {"straight_through": False}),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


round_straight_through = Op(
    "round_straight_through",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, straight_through_int_quantization",
)
