"""Hard sigmoid: three straight lines in place of the logistic curve."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Map any real number to [0, 1] by a ramp.

    ``y = min(max(x / 5 + 1/2, 0), 1)``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number; the ramp lies between -2.5 and 2.5.

    Returns
    -------
    array, shape (...)
        Value from 0 to 1.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: 1/5 for abs(x) <= 2.5 (both kinks included, as in TensorFlow), otherwise 0.
    Precision: two roundings.
    Source: keras 2.15, keras.activations.hard_sigmoid.
    Differences: Keras 3 and PyTorch divide by 6.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.hard_sigmoid(np.array([-4.0, 0.0, 1.0]))
    array([0. , 0.5, 0.7])
    """
    ramp = x / 5.0 + 0.5
    return xp.where(ramp > 0, xp.where(ramp < 1, ramp, 1.0), 0.0)


def vjp(x):
    ramp = x * x.dtype.type(0.2)
    ramp += 0.5

    def pullback(y_bar):
        x_bar = y_bar * (np.abs(x) <= 2.5)
        x_bar *= x.dtype.type(0.2)
        return (x_bar,)

    return np.clip(ramp, 0, 1), pullback


def cases():
    return [
        Case("by hand", [np.array([-3.0, 0.0, 0.5, 7.0])], {}, np.array([0.0, 0.5, 0.6, 1.0])),
        Case("typical", [np.linspace(-6.1, 6.0, 24).reshape(2, 12)]),
        Case("kinks", [np.array([-2.5, 2.5])], {}, np.array([0.0, 1.0]), grad=False),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


hard_sigmoid = Op(
    "hard_sigmoid",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="keras 2.15, keras.activations.hard_sigmoid",
)
