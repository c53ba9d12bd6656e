"""Rectifier with a ceiling of 6."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Pass values from 0 to 6, hold what lies outside at the nearer end.

    ``y = min(max(x, 0), 6)``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number.

    Returns
    -------
    array, shape (...)
        Value from 0 to 6.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: 1 for 0 < x < 6, otherwise 0 (both kinks included, as in TensorFlow).
    Precision: exact.
    Source: Krizhevsky 2010; tf.nn.relu6.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.relu6(np.array([-1.0, 2.0, 8.0]))
    array([0., 2., 6.])
    """
    return xp.where(x > 0, xp.where(x < 6, x, 6.0), 0.0)


def vjp(x):
    def pullback(y_bar):
        return (y_bar * ((x > 0) & (x < 6)),)

    return np.clip(x, 0, 6), pullback


def cases():
    by_hand = np.array([-3.0, 4.0, 7.0])
    return [
        Case("by hand", [by_hand], {}, np.array([0.0, 4.0, 6.0])),
        Case("typical", [3 + 4 * np.random.default_rng(0).standard_normal((2, 3, 4))]),
        Case("kinks", [np.array([0.0, 1.0, 6.0])], {}, np.array([0.0, 1.0, 6.0]), grad=False),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


relu6 = Op(
    "relu6",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="Krizhevsky 2010; tf.nn.relu6",
)
