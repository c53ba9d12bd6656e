"""Network outputs to frequencies: mean of a grid of pitches under a softmax."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

NOTE_0_HZ = 440.0 * 2.0 ** (-69 / 12)  # 8.18 Hz, what a lowest frequency of 0 stands for


def define(logits, *, hz_min=20.0, hz_max=8000.0, xp=np):
    """Turn logits over a grid of pitches into the frequency of their mean pitch.

    ``y = hz_min * (hz_max / hz_min) ** u`` with ``u = sum_d softmax(logits)[d] * d / (depth - 1)``

    Parameters
    ----------
    logits : array, shape (..., depth)
        Network output for each of depth pitches, evenly spaced from hz_min to hz_max.
    hz_min : float
        Frequency in Hz of the first pitch, at least 0. 0 counts as MIDI note 0, which is 8.18 Hz.
    hz_max : float
        Frequency in Hz of the last pitch, greater than hz_min and 8.18 Hz.

    Returns
    -------
    array, shape (...)
        Frequency in Hz.

    Raises
    ------
    ParameterError
        If the range is empty or hz_min is negative.

    Notes
    -----
    Gradient: ``ln(hz_max / hz_min) * y * softmax[d] * (d / (depth - 1) - u)``. With a depth of 1
    y is hz_min and the gradient is 0: a single logit says nothing.
    Precision: the largest logit is taken off first, so that nothing overflows.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, frequencies_softmax.
    Differences: depth is an axis of its own; magenta's setting depth cuts the last axis into rows.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> logits = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 50.0]])
    >>> ddsp_ref.frequencies_softmax(logits, hz_min=100.0, hz_max=400.0).round(6)
    array([200., 400.])
    """
    weights = xp.exp(logits - xp.max(logits))
    unit = xp.sum(weights / xp.sum(weights) * np.linspace(0.0, 1.0, logits.shape[0]))
    lowest = hz_min if hz_min > 0 else NOTE_0_HZ
    return lowest * (hz_max / lowest) ** unit


def vjp(logits, *, hz_min=20.0, hz_max=8000.0):
    dtype = logits.dtype.type
    lowest = hz_min if hz_min > 0 else NOTE_0_HZ
    log_span = dtype(math.log(hz_max / lowest))
    positions = np.linspace(0.0, 1.0, logits.shape[1], dtype=logits.dtype)
    shares = logits - logits.max(axis=1, keepdims=True)
    np.exp(shares, out=shares)
    shares /= shares.sum(axis=1, keepdims=True)
    unit = np.einsum("bd,d->b", shares, positions)
    y = np.exp(log_span * unit)
    y *= dtype(lowest)

    def pullback(y_bar):
        unit_bar = y_bar * (log_span * y)
        logits_bar = positions - unit[:, None]
        logits_bar *= shares
        logits_bar *= unit_bar[:, None]
        return (logits_bar,)

    return y, pullback


def check(dims, *, hz_min=20.0, hz_max=8000.0):
    require(0 <= hz_min < math.inf, f"hz_min is {hz_min}, must be at least 0, e.g. 20")
    lowest = hz_min if hz_min > 0 else NOTE_0_HZ
    require(
        lowest < hz_max < math.inf,
        f"hz_max is {hz_max}, must be greater than {lowest:.6g} Hz, which hz_min={hz_min} stands "
        f"for, e.g. {2 * lowest:.6g}",
    )


def cases():
    two_octaves = {"hz_min": 100.0, "hz_max": 400.0}
    return [
        # softmax 3/4, 1/4: a quarter of two octaves up
        Case("by hand", [np.array([math.log(3.0), 0.0])], two_octaves, 100 * math.sqrt(2.0)),
        # softmax 1/4, 1/4, 1/2 over 0, 1/2, 1: 5/8 of two octaves
        Case("by hand, three", [np.array([1.0, 1.0, 1.0 + math.log(2.0)])], two_octaves,
             100 * 2**1.25),
        Case("typical", [3 * np.sin(np.arange(24.0)).reshape(2, 3, 4)]),
        Case("from zero", [np.array([0.0, -1000.0])], {"hz_min": 0.0}, 440.0 / 2**5.75, False),
        Case("one logit", [np.array([[0.3], [-5.0]])], two_octaves, np.array([100.0, 100.0])),
        Case("far out", [np.array([[900.0, -900.0, 899.0], [0.0, 40.0, -3.0]])], {}),
        Case("empty range", [np.zeros(2)], {"hz_min": 100.0, "hz_max": 50.0},
             error="hz_max is 50.0, must be greater than 100 Hz"),
        Case("negative", [np.zeros(2)], {"hz_min": -1.0}, error="hz_min is -1.0, must be at leas"),
        Case("no depth", [np.array(1.0)], error=r"logits has shape \(\), must be \(\.\.\., depth"),
    ]  # fmt: skip


frequencies_softmax = Op(
    "frequencies_softmax",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(depth)->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, frequencies_softmax",
)
