"""Mish: each value times the hyperbolic tangent of its softplus."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op

# From here on the weight is 1 to rounding, and its square does not overflow, in float32 either.
ENOUGH = 20.0


def define(x, *, xp=np):
    """Weigh each value with the hyperbolic tangent of its softplus.

    ``y = x * tanh(log(1 + exp(x)))``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number.

    Returns
    -------
    array, shape (...)
        Value of at least -0.31; close to x for large x, close to 0 for very negative x.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: with ``w = tanh(softplus(x))``, ``w + x * (1 - w^2) * sigmoid(x)``.
    Precision: with ``u = (1 + exp(x))^2`` the weight is ``(u - 1) / (u + 1)``, evaluated in
    one exponential: relative, no overflow for either sign.
    Source: Misra 2019; keras.activations.mish.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.mish(np.array([-2.0, 0.0, 2.0])).round(4)
    array([-0.2525,  0.    ,  1.944 ])
    """
    return x * xp.tanh(xp.log1p(xp.exp(x)))


def vjp(x):
    grown = np.exp(np.minimum(x, ENOUGH))
    rest = grown * (grown + 2)  # u - 1
    share = rest / (rest + 2)
    rest = 2 / (rest + 2)  # 1 - w, without cancellation

    def pullback(y_bar):
        slope = rest * (1 + share)
        slope *= grown / (1 + grown)
        slope *= x
        slope += share
        slope *= y_bar
        return (slope,)

    return x * share, pullback


def cases():
    log_2 = math.log(2.0)
    return [
        # u = 4 at 0, 9 at ln 2, 9/4 at -ln 2: weights 3/5, 8/10, 5/13
        Case("by hand", [np.array([-log_2, 0.0, log_2])], {},
             np.array([-log_2 * 5 / 13, 0.0, log_2 * 4 / 5])),
        Case("typical", [np.linspace(-6.0, 6.0, 24).reshape(2, 12)]),
        Case("far out", [np.array([-300.0, -80.0, 0.5, 80.0, 300.0])]),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]  # fmt: skip


mish = Op(
    "mish",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="Misra 2019; keras.activations.mish",
)
