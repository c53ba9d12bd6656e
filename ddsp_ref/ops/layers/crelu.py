"""Concatenated rectifier: positive and negative part side by side."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, *, xp=np):
    """Put the positive parts and the negative parts of all channels side by side.

    ``y = [max(x, 0), max(-x, 0)]``

    Parameters
    ----------
    x : array, shape (..., n)
        Input, any real number.

    Returns
    -------
    array, shape (..., 2 * n)
        The n positive parts, then the n negative parts with their sign turned; all at least 0.

    Raises
    ------
    ParameterError
        If there is no last axis.

    Notes
    -----
    Gradient: that of the half that is not 0; 0 at the kink, as in TensorFlow.
    Precision: exact.
    Source: Shang et al. 2016; tf.nn.crelu.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.crelu(np.array([-1.0, 2.0]))
    array([0., 2., 1., 0.])
    """
    return xp.concatenate([xp.where(x > 0, x, 0.0), xp.where(x < 0, -x, 0.0)])


def vjp(x):
    n = x.shape[1]

    def pullback(y_bar):
        return (y_bar[:, :n] * (x > 0) - y_bar[:, n:] * (x < 0),)

    y = np.concatenate([x, -x], axis=1)
    return np.maximum(y, 0, out=y), pullback


def cases():
    return [
        Case("by hand", [np.array([-3.0, 4.0])], {}, np.array([0.0, 4.0, 3.0, 0.0])),
        Case("typical", [np.random.default_rng(0).standard_normal((2, 3, 4))]),
        Case("kink", [np.array([0.0, 1.0])], {}, np.array([0.0, 1.0, 0.0, 0.0]), grad=False),
        Case("no axis", [np.array(1.0)], error=r"x has shape \(\), must be \(\.\.\., n\)"),
    ]


crelu = Op(
    "crelu",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n)->(n_out)",
    source="Shang et al. 2016; tf.nn.crelu",
)
