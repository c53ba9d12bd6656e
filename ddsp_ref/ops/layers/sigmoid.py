"""Logistic sigmoid: from any real number to (0, 1)."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Map any real number to (0, 1).

    ``y = 1 / (1 + exp(-x))``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number.

    Returns
    -------
    array, shape (...)
        Value between 0 and 1; 1/2 at x = 0.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: ``y * (1 - y)``, with both factors free of cancellation.
    Precision: relative, also for very negative x; no overflow for either sign.
    Source: tf.math.sigmoid.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.sigmoid(np.array([-2.0, 0.0, 2.0])).round(4)
    array([0.1192, 0.5   , 0.8808])
    """
    return 1.0 / (1.0 + xp.exp(-x))


def vjp(x):
    tail = np.exp(-np.abs(x))  # at most 1 for either sign
    below = 1 + tail

    def pullback(y_bar):
        return (y_bar * (tail / (below * below)),)

    # exp(x) below 0, 1 above; np.where would take longer than the exponential
    return np.exp(np.minimum(x, 0)) / below, pullback


def cases():
    log_3 = math.log(3.0)
    return [
        Case("by hand", [np.array([-log_3, 0.0, log_3])], {}, np.array([0.25, 0.5, 0.75])),
        Case("typical", [np.linspace(-6.0, 6.0, 24).reshape(2, 12)]),
        Case("far out", [np.array([-300.0, -80.0, -30.0, 0.5, 30.0, 300.0])]),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


sigmoid = Op(
    "sigmoid",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="tf.math.sigmoid",
)
