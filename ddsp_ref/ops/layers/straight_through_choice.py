"""Draw one of several values, and let the gradient pass to value and logits."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.layers.straight_through_softmax import straight_through_softmax


def define(logits, values, noise, *, straight_through=True, xp=np):
    """Draw one of several values with the probabilities of a softmax.

    ``y = values[i]``, i drawn as in `straight_through_softmax`.

    Parameters
    ----------
    logits : array, shape (..., n)
        Any real numbers.
    values : array, shape (..., n)
        What is chosen from.
    noise : array, shape (...)
        Uniform random numbers in [0, 1).
    straight_through : bool
        False: the true gradient, to which the draw gives nothing.

    Returns
    -------
    array, shape (...)
        The value that was drawn.

    Raises
    ------
    ParameterError
        If the shapes do not fit together.

    Notes
    -----
    Gradient: y_bar for the value that was drawn; for the logits that of
    ``probs[i] * values[i]``; 0 for the noise. On purpose this is not the derivative of the value.
    Precision: exact but for the draw, see `straight_through_softmax`.
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, straight_through_choice.
    Differences: magenta draws inside the function and keeps a last axis of 1.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.straight_through_choice(np.zeros(2), np.array([7.0, 9.0]), np.array(0.6))
    array(9.)
    """
    weights = xp.exp(logits - xp.max(logits))
    ends = xp.cumsum(weights / xp.sum(weights))
    return values[int(xp.sum(ends[:-1] <= noise))]


def vjp(logits, values, noise, *, straight_through=True):
    (sample, probs), softmax_pullback = straight_through_softmax.vjp(
        logits, noise, straight_through=straight_through
    )

    def pullback(y_bar):
        sample_bar = y_bar[:, None] * values
        logits_bar, noise_bar = softmax_pullback((sample_bar, np.zeros_like(probs)))
        return logits_bar, y_bar[:, None] * sample, noise_bar

    return (sample * values).sum(axis=-1), pullback


def cases():
    rng = np.random.default_rng(0)
    logits, values = rng.standard_normal((2, 3, 4, 5))
    noise = rng.random((3, 4))
    thirds = np.log([0.25, 0.25, 0.5])
    return [
        # the gradient is meant to differ from that of the definition
        Case("by hand", [thirds, [3.0, 5.0, 7.0], 0.4], {}, np.array(5.0), False),
        Case("typical", [logits, values, noise], grad=False),
        Case("true gradient", [logits, values, noise], {"straight_through": False}),
        Case("values of another size", [logits, values[..., :4], noise],
             error=r"values has shape \(3, 4, 4\), must be \(\.\.\., n\) with n=5"),
    ]  # fmt: skip


straight_through_choice = Op(
    "straight_through_choice",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n),(n),()->()",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, straight_through_choice",
)
