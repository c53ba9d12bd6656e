"""Network outputs to frequencies: a sum of sigmoids from coarse to fine."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

NOTE_0_HZ = 440.0 * 2.0 ** (-69 / 12)  # 8.18 Hz, what a lowest frequency of 0 stands for


def define(logits, *, hz_min=0.0, hz_max=8000.0, xp=np):
    """Turn logits from coarse to fine into a frequency.

    ``y = sum_d low[d] * (high[d] / low[d]) ** sigmoid(logits[d])``. The span
    ``s = hz_max - hz_min`` is shared out by a constant factor: ``high[d] = r[d] - r[d + 1]`` with
    ``r[d] = s ** (1 - d / depth)``, and what is left, ``r[depth - 1]``, for the last one. ``low``
    is 8.18 Hz, and hz_min for the last one.

    Parameters
    ----------
    logits : array, shape (..., depth)
        Network output, the coarsest component first.
    hz_min : float
        Lowest frequency in Hz of the last component, at least 0. 0 counts as MIDI note 0, which
        is 8.18 Hz.
    hz_max : float
        Highest frequency in Hz, more than 1 Hz above hz_min.

    Returns
    -------
    array, shape (...)
        Frequency in Hz.

    Raises
    ------
    ParameterError
        If hz_min is negative, or hz_max not more than 1 Hz above it.

    Notes
    -----
    Gradient: ``sigmoid (1 - sigmoid) ln(high[d] / low[d])`` times the summand.
    Precision: relative.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, frequencies_sigmoid.
    Differences: depth is an axis of its own; magenta's setting depth cuts the last axis into rows.
    As in magenta the result stays out of parts of the range: one component alone goes from hz_min
    to ``hz_max - hz_min``, several start at ``8.18 * (depth - 1) + hz_min``, and a component falls
    as its logit rises where its share is less than its low end.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> logits = np.array([[-50.0, -50.0], [50.0, -50.0], [50.0, 50.0]])
    >>> ddsp_ref.frequencies_sigmoid(logits, hz_min=10.0, hz_max=10010.0).round(3)
    array([   18.176,  9910.   , 10000.   ])
    """
    depth = logits.shape[0]
    remainder = hz_max - hz_min
    factor = remainder ** (1.0 / depth)
    y = 0.0
    for d in range(depth):
        if d < depth - 1:
            low, high = 0.0, remainder * (1.0 - 1.0 / factor)
            remainder = remainder - high
        else:
            low, high = hz_min, remainder
        low = low if low > 0 else NOTE_0_HZ
        share = 1.0 / (1.0 + xp.exp(-logits[d]))
        y = y + low * (high / low) ** share
    return y


def vjp(logits, *, hz_min=0.0, hz_max=8000.0):
    dtype, depth = logits.dtype, logits.shape[1]
    left = (hz_max - hz_min) ** (1 - np.arange(depth) / depth)
    high = np.append(left[:-1] - left[1:], left[-1])
    low = np.full(depth, NOTE_0_HZ)
    low[-1] = hz_min or NOTE_0_HZ
    log_low, log_span = np.log(low).astype(dtype), np.log(high / low).astype(dtype)
    tail = np.exp(-np.abs(logits))  # at most 1 for either sign
    summands = np.exp(np.minimum(logits, 0))
    summands /= 1 + tail  # sigmoid
    summands *= log_span
    summands += log_low
    np.exp(summands, out=summands)

    def pullback(y_bar):
        slope = summands * log_span
        slope *= tail / (1 + tail) ** 2  # sigmoid (1 - sigmoid)
        slope *= y_bar[:, None]
        return (slope,)

    return summands.sum(axis=1), pullback


def check(dims, *, hz_min=0.0, hz_max=8000.0):
    require(0 <= hz_min < math.inf, f"hz_min is {hz_min}, must be at least 0, e.g. 20")
    require(
        hz_min + 1 < hz_max < math.inf,
        f"hz_max is {hz_max}, must be more than 1 Hz above hz_min, {hz_min}, e.g. {hz_min + 100}",
    )


def cases():
    ln3 = math.log(3.0)
    note_0 = 440.0 / 2**5.75
    # a span of 10000 and two components: 9900 and 100 Hz at the top
    two = {"hz_min": 25.0, "hz_max": 10025.0}
    half, quarter = math.sqrt(note_0 * 9900.0), 25.0 * 4**0.25
    return [
        # one component: from 20 Hz to 340 - 20 = 320 Hz, half-way in octaves at logit 0
        Case("by hand", [np.array([[0.0], [ln3], [-ln3]])], {"hz_min": 20.0, "hz_max": 340.0},
             np.array([80.0, 160.0, 40.0])),
        Case("by hand, two", [np.array([0.0, -ln3])], two, half + quarter),
        Case("typical", [2 * np.sin(np.arange(24.0)).reshape(2, 3, 4)]),
        Case("deep", [2 * np.sin(np.arange(18.0)).reshape(2, 9)], {"hz_min": 40.0}),
        Case("far out", [np.array([500.0, -500.0])], two, 9900.0 + 25.0, grad=False),
        Case("empty range", [np.zeros(2)], {"hz_min": 99.5, "hz_max": 100.0},
             error="hz_max is 100.0, must be more than 1 Hz above hz_min, 99.5"),
        Case("negative", [np.zeros(2)], {"hz_min": -1.0}, error="hz_min is -1.0, must be at leas"),
        Case("no depth", [np.array(1.0)], error=r"logits has shape \(\), must be \(\.\.\., depth"),
    ]  # fmt: skip


frequencies_sigmoid = Op(
    "frequencies_sigmoid",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(depth)->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, frequencies_sigmoid",
)
