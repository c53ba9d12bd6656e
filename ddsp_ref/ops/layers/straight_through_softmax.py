"""Draw one of several categories, and let the gradient pass to their probabilities."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(logits, noise, *, straight_through=True, xp=np):
    """Draw one category by given noise; backwards, the one drawn stands for its probability.

    ``probs = softmax(logits)``; category i is drawn if noise lies between
    ``probs[0] + ... + probs[i - 1]`` and ``probs[0] + ... + probs[i]``.

    Parameters
    ----------
    logits : array, shape (..., n)
        Any real numbers.
    noise : array, shape (...)
        Uniform random numbers in [0, 1).
    straight_through : bool
        False: the true gradient, to which the draw gives nothing.

    Returns
    -------
    sample : array, shape (..., n)
        1 for the category that was drawn, 0 for the others.
    probs : array, shape (..., n)
        The probabilities.

    Raises
    ------
    ParameterError
        If the shapes do not fit together.

    Notes
    -----
    Gradient: ``probs_bar + sample * sample_bar`` through the softmax, and 0 for the noise. On
    purpose this is not the derivative of the value.
    Precision: sums of probabilities are compared with the noise in double precision.
    Source: Bengio et al. 2013; magenta/ddsp 3.7.0, ddsp/training/nn.py, straight_through_softmax.
    Differences: magenta draws inside the function; here the noise is an input.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> logits = np.log(np.array([0.25, 0.5, 0.25]))
    >>> sample, probs = ddsp_ref.straight_through_softmax(logits, np.array(0.3))
    >>> sample, probs.round(6)
    (array([0., 1., 0.]), array([0.25, 0.5 , 0.25]))
    """
    weights = xp.exp(logits - xp.max(logits))
    probs = weights / xp.sum(weights)
    ends = xp.cumsum(probs)
    n_below = xp.sum(ends[:-1] <= noise)
    return 1.0 * (np.arange(logits.shape[0]) == n_below), probs


def vjp(logits, noise, *, straight_through=True):
    probs = logits - logits.max(axis=-1, keepdims=True)
    np.exp(probs, out=probs)
    probs /= probs.sum(axis=-1, keepdims=True)
    ends = np.cumsum(probs, axis=-1, dtype=np.float64)
    drawn = (ends[:, :-1] <= noise[:, None]).sum(axis=-1)
    sample = np.zeros_like(probs)
    sample[np.arange(len(drawn)), drawn] = 1

    def pullback(bars):
        sample_bar, probs_bar = bars
        if straight_through:
            probs_bar = probs_bar + sample * sample_bar
        along = np.einsum("bi,bi->b", probs_bar, probs)
        return probs * (probs_bar - along[:, None]), np.zeros_like(noise)

    return (sample, probs), pullback


def cases():
    rng = np.random.default_rng(0)
    logits, noise = rng.standard_normal((3, 4, 5)), rng.random((3, 4))
    thirds = np.log([0.25, 0.25, 0.5])
    return [
        # the gradient is meant to differ from that of the definition
        Case("by hand", [thirds, 0.4], {}, (np.array([0.0, 1.0, 0.0]), np.exp(thirds)), False),
        Case("by hand, last", [thirds, 0.75], {}, (np.array([0.0, 0.0, 1.0]), np.exp(thirds)),
             False),
        Case("typical", [logits, noise], grad=False),
        Case("true gradient", [logits, noise], {"straight_through": False}),
        Case("one category", [np.zeros((2, 1)), [0.0, 0.9]], {}, (np.ones((2, 1)),) * 2),
        Case("noise of another shape", [logits, np.zeros((2, 3))], error="batch axes do not fit"),
    ]  # fmt: skip


straight_through_softmax = Op(
    "straight_through_softmax",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n),()->(n),(n)",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, straight_through_softmax",
)
