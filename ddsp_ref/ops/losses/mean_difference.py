"""Mean distance of two arrays, with weights: what the losses on parameters are made of."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, njit_relaxed, ranges, run_parts
from ddsp_ref.op import Case, Op

# Values in one part of the work
_PART = 1 << 16
_KINDS = {"L1": 0, "L2": 1, "COSINE": 2}


def define(target, value, weights, *, loss_type="L1", xp=np):
    """Average how far the elements of two arrays lie apart.

    "L1": ``y = mean(|(target - value) weights|)``. "L2": ``y = mean((target - value)^2 weights)``.
    "COSINE": ``y = sum_r weights[r] (1 - sum_k target[r, k] value[r, k]) / n``, where n is the
    number of rows whose weight is not 0; y is 0 if there is none.

    Parameters
    ----------
    target : array, shape (..., n_rows, n_values)
        What is to be matched. For "COSINE" rows of length 1 in the sense of Euclid.
    value : array, shape (..., n_rows, n_values)
        What is compared with it.
    weights : array, shape (..., n_weight_rows, n_weights)
        Weight of each element; an axis of 1 stands for any number, so that ``[[1.0]]`` means no
        weights. "COSINE" takes one weight per row or one for all.
    loss_type : {"L1", "L2", "COSINE"}
        Absolute differences, squared differences, or one minus the product of rows.

    Returns
    -------
    array, shape (...)
        Mean over the rows and values.

    Raises
    ------
    ParameterError
        If loss_type is none of these, or an axis of the weights is neither 1 nor that of the
        arrays.

    Notes
    -----
    Gradient: that of the formula, with 0 for an absolute value at 0. Of "COSINE" the number n is
    a constant, though it jumps where a weight is 0.
    Precision: float64 inside, whatever the inputs.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, mean_difference; "COSINE" is
    tf.compat.v1.losses.cosine_distance along the last axis.
    Differences: the original takes arrays of any number of axes; make rows of all but the last.
    Its "COSINE" raises on TensorFlow 2, which has no such function; here it is that of
    TensorFlow 1, which does not normalise: bring rows to length 1 first for an angle. The
    original also takes the names of the types in lower case.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> target, value = np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])
    >>> float(ddsp_ref.mean_difference(target, value, np.array([[1.0]])))
    2.5
    >>> float(ddsp_ref.mean_difference(target, value, np.array([[1.0, 0.0]]), loss_type="L2"))
    2.0
    """
    if loss_type == "L1":
        return xp.mean(xp.abs((target - value) * weights))
    if loss_type == "L2":
        return xp.mean((target - value) ** 2 * weights)
    weights = weights[:, :1] * np.ones((target.shape[0], 1))
    n_present = np.sum(weights != 0)
    apart = 1.0 - xp.sum(target * value, axis=1, keepdims=True)
    return xp.sum(weights * apart) / max(n_present, 1)


# One row at a time, its weights written out: loops without cases become vector code.


@njit
def _own_weights(weights, r, own):
    """Fill own with the weights of a row; return the number of their row."""
    row = r if weights.shape[0] > 1 else 0
    for k in range(own.size):
        own[k] = weights[row, k if weights.shape[1] > 1 else 0]
    return row


@njit_relaxed
def _row_distance(target, value, own, kind):
    total = 0.0
    if kind == 0:
        for k in range(own.size):
            total += abs((np.float64(target[k]) - np.float64(value[k])) * own[k])
    elif kind == 1:
        for k in range(own.size):
            apart = np.float64(target[k]) - np.float64(value[k])
            total += apart * apart * own[k]
    else:
        for k in range(own.size):
            total += np.float64(target[k]) * np.float64(value[k])
        total = own[0] * (1.0 - total)
    return total


@njit
def _kernel(target, value, weights, kind, first, last):
    """Return the sum of the differences, and how many rows have a weight that is not 0."""
    total, n_present, own = 0.0, 0, np.empty(target.shape[1])
    for r in range(first, last):
        _own_weights(weights, r, own)
        if kind < 2 or own[0] != 0:
            total += _row_distance(target[r], value[r], own, kind)
            n_present += 1
    return total, n_present


@njit_relaxed
def _row_slopes(scale, target, value, own, kind, target_bar, value_bar, own_bar):
    """Write the cotangents of a row, and those of its weights."""
    if kind == 0:
        for k in range(own.size):
            apart = np.float64(target[k]) - np.float64(value[k])
            side = apart * own[k]
            sign = scale if side > 0 else (-scale if side < 0 else 0.0)
            target_bar[k], value_bar[k] = sign * own[k], -sign * own[k]
            own_bar[k] = sign * apart
    elif kind == 1:
        for k in range(own.size):
            apart = np.float64(target[k]) - np.float64(value[k])
            slope = scale * 2.0 * apart * own[k]
            target_bar[k], value_bar[k] = slope, -slope
            own_bar[k] = scale * apart * apart
    else:
        for k in range(own.size):
            t, v, slope = np.float64(target[k]), np.float64(value[k]), -scale * own[k]
            target_bar[k], value_bar[k] = slope * v, slope * t
            own_bar[k] = -scale * t * v
        own_bar[0] += scale  # there is one weight for the row


@njit_relaxed
def _kernel_vjp(scale, target, value, weights, kind, bars, weights_bar, first, last):
    target_bar, value_bar = bars
    own, own_bar = np.empty(target.shape[1]), np.empty(target.shape[1])
    for r in range(first, last):
        row = _own_weights(weights, r, own)
        _row_slopes(scale, target[r], value[r], own, kind, target_bar[r], value_bar[r], own_bar)
        if weights.shape[1] > 1:
            for k in range(own.size):
                weights_bar[row, k] += own_bar[k]
        else:
            total = 0.0
            for k in range(own.size):
                total += own_bar[k]
            weights_bar[row, 0] += total


def vjp(target, value, weights, *, loss_type="L1"):
    n_batch, n_rows, n_values = target.shape
    kind = _KINDS[loss_type]
    chunks = ranges(n_rows, max(_PART // n_values, 1))
    sums, counts = np.zeros((n_batch, len(chunks))), np.zeros((n_batch, len(chunks)))

    def measure(b, i):
        kept = target[b], value[b], weights[b], kind
        sums[b, i], counts[b, i] = _kernel(*kept, *chunks[i])

    parts = [(b, i) for b in range(n_batch) for i in range(len(chunks))]
    run_parts(measure, parts)
    if loss_type == "COSINE":
        n_summands = np.maximum(counts.sum(axis=1), 1)
    else:
        n_summands = np.full(n_batch, n_rows * n_values)

    def pullback(y_bar):
        bars = np.empty_like(target), np.empty_like(value)
        # parts of the work add to the same weights only where one row of them stands for all
        n_copies = len(chunks) if weights.shape[1] == 1 else 1
        weights_bars = np.zeros((n_batch, n_copies, *weights.shape[1:]))
        scale = y_bar / n_summands

        def differentiate(b, i):
            kept = target[b], value[b], weights[b], kind, (bars[0][b], bars[1][b])
            _kernel_vjp(float(scale[b]), *kept, weights_bars[b, i % n_copies], *chunks[i])

        run_parts(differentiate, parts)
        return *bars, weights_bars.sum(axis=1).astype(weights.dtype)

    return (sums.sum(axis=1) / n_summands).astype(target.dtype), pullback


def check(dims, *, loss_type="L1"):
    require(loss_type in _KINDS, f"loss_type is {loss_type!r}, must be one of {', '.join(_KINDS)}")
    for axis, size, wanted in (
        ("rows", dims["n_weight_rows"], dims["n_rows"]),
        ("columns", dims["n_weights"], dims["n_values"]),
    ):
        require(size in (1, wanted), f"weights has {size} {axis}, must have 1 or {wanted}")
    require(
        loss_type != "COSINE" or dims["n_weights"] == 1,
        f"weights has {dims['n_weights']} columns, must have 1 with loss_type='COSINE', which "
        "weighs whole rows",
    )


def cases():
    rng = np.random.default_rng(0)
    target, value = rng.standard_normal((2, 4, 3))
    per_row, per_value = rng.standard_normal((4, 1)), rng.standard_normal((1, 3))
    one = np.ones((1, 1))
    left, right = np.array([[1.0, 2.0], [0.0, -3.0]]), np.array([[4.0, 2.0], [1.0, -1.0]])
    squares, cosine = {"loss_type": "L2"}, {"loss_type": "COSINE"}
    # 3, 0, 1, 2 apart; the products of the rows are 8 and 3
    rows = np.array([[2.0], [-1.0]])
    unequal = np.array([[1.0, 5.0], [0.5, -2.0]])
    return [
        Case("by hand", [left, right, one], {}, np.array(6 / 4), grad=False),
        Case("by hand, L2", [left, right, one], squares, np.array(14 / 4)),
        Case("by hand, COSINE", [left, right, one], cosine, np.array((-7.0 - 2.0) / 2)),
        # absolute values of 6, 0, -1, -2; and 9, 0, 1, 4 times the weights of their rows
        Case("by hand, rows", [left, right, rows], {}, np.array(9 / 4), grad=False),
        Case("by hand, rows, L2", [left, right, rows], squares, np.array((18 - 1 - 4) / 4)),
        Case("by hand, rows, COSINE", [left, right, rows], cosine, np.array((-14.0 + 2.0) / 2)),
        # 3, 0, 0.5, 4; and 9, 0, 0.5, -8
        Case("by hand, each", [left, right, unequal], {}, np.array(7.5 / 4), grad=False),
        Case("by hand, each, L2", [left, right, unequal], squares, np.array(1.5 / 4)),
        # a row without weight does not count
        Case("by hand, absent row", [left, right, np.array([[2.0], [0.0]])], cosine,
             np.array(-14.0), grad=False),
        Case("no row present", [left, right, np.zeros((2, 1))], cosine, np.array(0.0), grad=False),
        Case("typical", [target, value, per_row]),
        Case("typical, L2", [target, value, per_value], squares),
        Case("typical, COSINE", [target, value, per_row], cosine),
        Case("weights for each", [target, value, rng.standard_normal((4, 3))]),
        Case("batch", [np.stack([target, value]), np.stack([value, 2 * target]), one], squares),
        Case("one value", [np.array([[2.0]]), np.array([[-1.0]]), one], {}, np.array(3.0)),
        Case("equal", [target, target, one], {}, np.array(0.0), grad=False),
        Case("type", [target, value, one], {"loss_type": "huber"}, error="'huber', must be one of"),
        Case("shapes", [target, value[:, :2], one], error=r"value has shape \(4, 2\)"),
        Case("no rows", [target[0], value[0], one], error=r"target has shape \(3,\)"),
        Case("weight rows", [target, value, per_row[:3]], error="has 3 rows, must have 1 or 4"),
        Case("weight columns", [target, value, per_value[:, :2]],
             error="has 2 columns, must have 1 or 3"),
        Case("COSINE of columns", [target, value, per_value], cosine,
             error="has 3 columns, must have 1 with loss_type='COSINE'"),
    ]  # fmt: skip


mean_difference = Op(
    "mean_difference",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_rows,n_values),(n_rows,n_values),(n_weight_rows,n_weights)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, mean_difference",
)
