"""Softsign: from any real number to (-1, 1), more slowly than tanh."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Map any real number to (-1, 1).

    ``y = x / (1 + abs(x))``

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
    Gradient: ``1 / (1 + abs(x))^2``, without a kink at 0.
    Precision: two roundings.
    Source: Bergstra et al. 2009; tf.nn.softsign.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.softsign(np.array([-1.0, 0.0, 3.0]))
    array([-0.5 ,  0.  ,  0.75])
    """
    return x / (1.0 + xp.abs(x))


def vjp(x):
    below = 1 + np.abs(x)

    def pullback(y_bar):
        return (y_bar / (below * below),)

    return x / below, pullback


def cases():
    return [
        Case("by hand", [np.array([-3.0, 0.0, 1.0])], {}, np.array([-0.75, 0.0, 0.5])),
        Case("typical", [np.linspace(-6.0, 6.0, 24).reshape(2, 12)]),
        Case("far out", [np.array([-3e5, 0.5, 3e5])]),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


softsign = Op(
    "softsign",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="Bergstra et al. 2009; tf.nn.softsign",
)
