"""Mean distance of amplitudes, linear or in decades."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import ranges, run_parts
from ddsp_ref.op import Case, Op

from . import mean_difference

_PART = 1 << 15  # values that one thread takes at a time


def define(amplitudes, target, weights, *, loss_type="L1", log=False, floor=1e-5, xp=np):
    """Average how far amplitudes are from their targets.

    ``y = mean_difference(amplitudes, target, weights)``, with log of ``log10(max(x, floor))`` of
    both; a decade is 20 dB.

    Parameters
    ----------
    amplitudes : array, shape (..., n_rows, n_values)
        Amplitudes, linear scale: of frames and partials, bands or anything else.
    target : array, shape (..., n_rows, n_values)
        What they should be.
    weights : array, shape (..., n_weight_rows, n_weights)
        Weight of each, see `mean_difference`; ``[[1.0]]`` means no weights.
    loss_type : {"L1", "L2", "COSINE"}
        Kind of distance, see `mean_difference`.
    log : bool
        If True, logarithms to the base 10 are compared.
    floor : float
        Smallest amplitude that is told from 0, positive; only used with log.

    Returns
    -------
    array, shape (...)
        Mean over the rows and values.

    Raises
    ------
    ParameterError
        If floor is not positive, or for the reasons of `mean_difference`.

    Notes
    -----
    Gradient: that of the formula; with log 0 for amplitudes at or below the floor.
    Precision: float64 inside, whatever the inputs.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, amp_loss, where floor is called amin. Without log
    and weights this is FilteredNoiseConsistencyLoss for the magnitudes of noise.
    Differences: an op has all arrays and batch axes in front; see `mean_difference`.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> near, far = np.array([[0.1, 0.0]]), np.array([[1.0, 1e-3]])
    >>> round(float(ddsp_ref.amplitude_loss(near, far, np.array([[1.0]]), log=True)), 6)
    1.5
    """
    if log:
        amplitudes, target = (
            xp.log(xp.where(x > floor, x, floor)) / math.log(10.0) for x in (amplitudes, target)
        )
    return mean_difference.define(amplitudes, target, weights, loss_type=loss_type, xp=xp)


def _decades(x, floor):
    """Return log10(max(x, floor)), float64, and what it changes by with x."""
    y, slope = np.empty(x.shape), np.empty(x.shape)
    flat, flat_y, flat_slope = x.reshape(-1), y.reshape(-1), slope.reshape(-1)

    def part(begin, end):
        own = flat[begin:end].astype(np.float64)
        raised = np.maximum(own, floor)
        np.log10(raised, out=flat_y[begin:end])
        np.divide(own > floor, raised * math.log(10.0), out=flat_slope[begin:end])

    run_parts(part, ranges(x.size, _PART))
    return y, slope


def vjp(amplitudes, target, weights, *, loss_type="L1", log=False, floor=1e-5):
    if not log:
        return mean_difference.vjp(amplitudes, target, weights, loss_type=loss_type)
    decades, slopes = zip(*[_decades(x, floor) for x in (amplitudes, target)])
    wide = weights.astype(np.float64)
    y, pull_difference = mean_difference.vjp(*decades, wide, loss_type=loss_type)

    def pullback(y_bar):
        *bars, weights_bar = pull_difference(y_bar)
        return *(bar * slope for bar, slope in zip(bars, slopes)), weights_bar

    return y.astype(amplitudes.dtype), pullback


def check(dims, *, loss_type="L1", log=False, floor=1e-5):
    require(floor > 0, f"floor is {floor}, must be positive, e.g. 1e-5")
    mean_difference.check(dims, loss_type=loss_type)


def cases():
    rng = np.random.default_rng(0)
    some, others = rng.uniform(0.1, 1.0, (2, 3, 4))
    one, per_row = np.ones((1, 1)), np.array([[1.0], [0.5], [-2.0]])
    low, high = np.array([[0.1, 0.02]]), np.array([[1.0, 2.0]])
    log, squares = {"log": True}, {"log": True, "loss_type": "L2"}
    return [
        # 0.9 and 1.98; one decade and two
        Case("by hand", [low, high, one], {}, np.array(1.44)),
        Case("by hand, log", [low, high, one], log, np.array(1.5)),
        Case("by hand, log, L2", [low, high, one], squares, np.array(2.5)),
        # log10 of both is -1, -1.7 and 0, 0.3, the product of the rows -log10(2) * 1.7
        Case("by hand, log, COSINE", [low, high, one], log | {"loss_type": "COSINE"},
             np.array(1.0 + math.log10(2.0) * (2.0 - math.log10(2.0)))),
        # the floor is two decades below 1, whatever lies below it
        Case("by hand, floor", [np.array([[0.0, -3.0, 1e-4]]), np.ones((1, 3)), one],
             log | {"floor": 0.01}, np.array(2.0)),
        Case("at the floor", [np.full((1, 2), 0.01), np.ones((1, 2)), one], log | {"floor": 0.01},
             np.array(2.0), grad=False),
        Case("typical", [some, others, per_row]),
        Case("typical, log", [some, others, per_row], log),
        Case("typical, log, L2", [np.stack([some, others]), others, per_row], squares),
        Case("no floor", [some, others, one], {"floor": 0.0}, error="floor is 0.0, must be pos"),
        Case("type", [some, others, one], {"loss_type": "l1"}, error="loss_type is 'l1', must be"),
        Case("weights", [some, others, per_row[:2]], log, error="has 2 rows, must have 1 or 3"),
    ]  # fmt: skip


amplitude_loss = Op(
    "amplitude_loss",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_rows,n_values),(n_rows,n_values),(n_weight_rows,n_weights)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, amp_loss",
)
