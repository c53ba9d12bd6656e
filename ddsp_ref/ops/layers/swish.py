"""Swish, also called sigmoid linear unit: each value times its own sigmoid."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Weigh each value with its own sigmoid.

    ``y = x / (1 + exp(-x))``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number.

    Returns
    -------
    array, shape (...)
        Value of at least -0.28; close to x for large x, close to 0 for very negative x.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: with ``s = sigmoid(x)``, ``s + x * s * (1 - s)``.
    Precision: relative; no overflow for either sign.
    Source: Elfwing et al. 2017; Ramachandran et al. 2017; tf.nn.silu, tf.nn.swish.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.swish(np.array([-2.0, 0.0, 2.0])).round(4)
    array([-0.2384,  0.    ,  1.7616])
    """
    return x * (1.0 / (1.0 + xp.exp(-x)))


def vjp(x):
    tail = np.exp(-np.abs(x))  # at most 1 for either sign
    below = 1 + tail
    share = np.exp(np.minimum(x, 0)) / below

    def pullback(y_bar):
        slope = tail / (below * below)
        slope *= x
        slope += share
        slope *= y_bar
        return (slope,)

    return x * share, pullback


def cases():
    log_3 = math.log(3.0)
    return [
        Case("by hand", [np.array([-log_3, 0.0, log_3])], {},
             np.array([-0.25 * log_3, 0.0, 0.75 * log_3])),
        Case("typical", [np.linspace(-6.0, 6.0, 24).reshape(2, 12)]),
        Case("far out", [np.array([-300.0, -80.0, 0.5, 80.0, 300.0])]),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]  # fmt: skip


swish = Op(
    "swish",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="Elfwing et al. 2017; Ramachandran et al. 2017; tf.nn.silu",
)
