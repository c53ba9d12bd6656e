"""Softmax: logits to probabilities."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op


def define(logits, *, xp=np):
    """Turn the logits of each frame into probabilities.

    ``y[i] = exp(logits[i]) / sum_j exp(logits[j])``

    Parameters
    ----------
    logits : array, shape (..., n)
        Any real numbers; a number added to all of a frame changes nothing.

    Returns
    -------
    array, shape (..., n)
        Probabilities, which add up to 1 over the last axis.

    Raises
    ------
    ParameterError
        If there is no last axis.

    Notes
    -----
    Gradient: ``y * (y_bar - sum(y_bar * y))``.
    Precision: the largest logit is taken off first, so that nothing overflows.
    Source: Bridle 1990; tf.nn.softmax.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.softmax(np.array([0.0, 0.0, np.log(2.0)]))
    array([0.25, 0.25, 0.5 ])
    """
    weights = xp.exp(logits - xp.max(logits))
    return weights / xp.sum(weights)


def vjp(logits):
    y = logits - logits.max(axis=-1, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(axis=-1, keepdims=True)

    def pullback(y_bar):
        along = np.einsum("bi,bi->b", y_bar, y)
        logits_bar = y_bar - along[:, None]
        logits_bar *= y
        return (logits_bar,)

    return y, pullback


def cases():
    return [
        Case("by hand", [np.log([1.0, 2.0, 5.0])], {}, np.array([0.125, 0.25, 0.625])),
        Case("typical", [3 * np.sin(np.arange(24.0)).reshape(2, 3, 4)]),
        Case("far apart", [np.array([[-900.0, 900.0, 900.0 - math.log(3.0)]])], {},
             np.array([[0.0, 0.75, 0.25]])),
        Case("one logit", [np.array([[7.0], [-3.0]])], {}, np.ones((2, 1))),
        Case("no axis", [np.array(1.0)], error=r"logits has shape \(\), must be \(\.\.\., n\)"),
    ]  # fmt: skip


softmax = Op(
    "softmax",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n)->(n)",
    source="Bridle 1990; tf.nn.softmax",
)
