"""Rectifier."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Pass positive values, set negative ones to zero.

    ``y = max(x, 0)``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number.

    Returns
    -------
    array, shape (...)
        Rectified input, at least 0.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: 1 for x > 0, 0 for x <= 0 (the kink included, as in TensorFlow and PyTorch).
    Precision: exact.
    Source: Nair and Hinton 2010; tf.nn.relu.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return xp.where(x > 0, x, 0.0)


def vjp(x):
    def pullback(y_bar):
        return (y_bar * (x > 0),)

    return np.maximum(x, 0), pullback


def cases():
    return [
        Case("by hand", [np.array([-3.0, 4.0])], {}, np.array([0.0, 4.0])),
        Case("typical", [np.random.default_rng(0).standard_normal((2, 3, 4))]),
        Case("kink", [np.array([0.0, 1.0])], {}, np.array([0.0, 1.0]), grad=False),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


relu = Op(
    "relu",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="Nair and Hinton 2010; tf.nn.relu",
)
