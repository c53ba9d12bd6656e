"""Exponential linear unit: a rectifier that bends to a floor below zero."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(x, *, alpha=1.0, scale=1.0, xp=np):
    """Pass positive values, bend negative ones towards a floor.

    ``y = scale * x if x > 0 else scale * alpha * (exp(x) - 1)``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number.
    alpha : float
        Depth of the floor before scaling, at least 0.
    scale : float
        Factor of the whole, positive.

    Returns
    -------
    array, shape (...)
        Value above ``-scale * alpha``.

    Raises
    ------
    ParameterError
        If alpha is negative or scale is not positive.

    Notes
    -----
    Gradient: scale for x >= 0 (the kink that an alpha other than 1 makes at 0 included, as in
    TensorFlow), ``scale * alpha * exp(x)`` below.
    Precision: relative, also close to 0, where exp(x) - 1 would cancel.
    Source: Clevert et al. 2015; tf.nn.elu. Scaled (selu): Klambauer et al. 2017, whose alpha is
    1.6732632423543772 and whose scale is 1.0507009873554805; tf.nn.selu.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.elu(np.array([-1.0, 0.0, 2.0])).round(4)
    array([-0.6321,  0.    ,  2.    ])
    """
    return scale * xp.where(x > 0, x, alpha * (xp.exp(xp.minimum(x, 0.0)) - 1.0))


def vjp(x, *, alpha=1.0, scale=1.0):
    floor = scale * alpha
    y = np.expm1(np.minimum(x, 0))  # 0 above 0, so that both halves add up
    y *= floor
    y += scale * np.maximum(x, 0)

    def pullback(y_bar):
        slope = np.exp(np.minimum(x, 0))  # 1 from 0 on
        slope *= floor
        slope += x.dtype.type(scale - floor) * (x >= 0)
        slope *= y_bar
        return (slope,)

    return y, pullback


def check(dims, *, alpha=1.0, scale=1.0):
    require(alpha >= 0, f"alpha is {alpha}, must be at least 0, e.g. 1")
    require(scale > 0, f"scale is {scale}, must be positive, e.g. 1")


def cases():
    log_2 = math.log(2.0)
    selu = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}
    typical = np.linspace(-5.0, 5.0, 24).reshape(2, 12)
    return [
        # exp(-ln 2) - 1 = -1/2 and exp(-2 ln 2) - 1 = -3/4
        Case("by hand", [np.array([-log_2, -2 * log_2, 3.0])], {}, np.array([-0.5, -0.75, 3.0])),
        Case("by hand, scaled", [np.array([-log_2, 3.0])], {"alpha": 4.0, "scale": 0.5},
             np.array([-1.0, 1.5])),
        Case("typical", [typical]),
        Case("selu", [typical], selu),
        Case("far out", [np.array([-300.0, -40.0, 500.0])]),
        Case("kink of selu", [np.array([0.0, 1.0])], {"alpha": 2.0}, np.array([0.0, 1.0]), False),
        Case("negative alpha", [typical], {"alpha": -1.0}, error="alpha is -1.0, must be at least"),
        Case("scale 0", [typical], {"scale": 0.0}, error="scale is 0.0, must be positive"),
    ]  # fmt: skip


elu = Op(
    "elu",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="()->()",
    source="Clevert et al. 2015; tf.nn.elu, tf.nn.selu",
)
