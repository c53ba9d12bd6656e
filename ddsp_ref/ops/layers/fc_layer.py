"""The layer that decoders are made of: dense, layer normalisation, leaky ReLU, in one pass."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit_relaxed, ranges, run_parts
from ddsp_ref.op import Case, Op
from ddsp_ref.ops._products import (
    LONG,
    ROWS,
    add_transposed,
    as_tiles,
    from_tiles,
    multiply,
    no_bias,
    no_sums,
)


def define(x, kernel, bias, gamma, beta, *, epsilon=1e-3, slope=0.2, xp=np):
    """Apply a dense layer, layer normalisation, and the leaky rectifier.

    ``z = x @ kernel + bias``, ``u = (z - mean) / sqrt(variance + epsilon)``,
    ``y = v if v > 0 else slope * v`` with ``v = gamma * u + beta``

    Parameters
    ----------
    x : array, shape (..., n_in)
        Input.
    kernel : array, shape (n_in, n_out)
        Weights.
    bias : array, shape (n_out,)
        Added to the weighted sums.
    gamma : array, shape (n_out,)
        Scale per channel after normalisation.
    beta : array, shape (n_out,)
        Shift per channel after normalisation.
    epsilon : float
        Added to the variance, positive.
    slope : float
        Of the rectifier below 0, at least 0.

    Returns
    -------
    array, shape (..., n_out)
        Activations.

    Raises
    ------
    ParameterError
        If epsilon is not positive or slope is negative.

    Notes
    -----
    Gradient: those of `leaky_relu`, `layer_norm` and `dense`, one after the other.
    Precision: products in the precision of the input, mean and variance in double precision.
    Cost: the three ops by themselves go through memory three times, which takes longer than the
    multiply-adds of 128 channels; here 64 frames at a time stay in the cache. What is kept for the
    way back is x and y: what was normalised is computed from y, unless that would lose digits.
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, Fc: `dense`, `layer_norm`, `leaky_relu`.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ones, zeros = np.ones(2), np.zeros(2)
    >>> x, kernel = np.array([3.0, 1.0]), np.eye(2)
    >>> ddsp_ref.fc_layer(x, kernel, zeros, ones, zeros, epsilon=1e-9).round(6)
    array([ 1. , -0.2])
    """
    z = xp.dot(x, kernel) + bias
    deviation = z - xp.mean(z)
    v = gamma * deviation / xp.sqrt(xp.mean(deviation**2) + epsilon) + beta
    return xp.where(v > 0, v, slope * v)


@njit_relaxed
def _kernel(x, tiles, bias, gamma, beta, epsilon, slope, normal, scales, y):
    """Write y, scales, and what is normalised, if there is room for it."""
    n, kept = y.shape[1], len(normal) > 0
    room = np.empty((0 if kept else ROWS, n), y.dtype)
    for first in range(0, x.shape[0], ROWS):
        stop = min(first + ROWS, x.shape[0])
        own = normal[first:stop] if kept else room[: stop - first]
        multiply(x[first:stop], tiles, bias, own)
        for r in range(first, stop):
            row, y_row = own[r - first], y[r]
            total = 0.0
            for i in range(n):
                total += np.float64(row[i])
            mean = row.dtype.type(total / n)
            power = 0.0
            for i in range(n):
                row[i] -= mean
                power += np.float64(row[i]) * np.float64(row[i])
            scale = row.dtype.type(1.0 / math.sqrt(power / n + epsilon))
            scales[r] = scale
            for i in range(n):
                row[i] *= scale
                v = gamma[i] * row[i] + beta[i]
                y_row[i] = v if v > 0 else slope * v


@njit_relaxed
def _restore(y, gamma, beta, slope, normal):
    """Compute from y what it was made of."""
    rise = y.dtype.type(1) / slope
    for r in range(y.shape[0]):
        y_row, row = y[r], normal[r]
        for i in range(row.size):
            v = y_row[i] if y_row[i] > 0 else rise * y_row[i]
            row[i] = (v - beta[i]) / gamma[i]


@njit_relaxed
def _pull_norm(y_bar, y, normal, scales, gamma, slope, z_bar, sums):
    """Write z_bar; add up gamma_bar, beta_bar and bias_bar in double precision."""
    n = y.shape[1]
    gamma_bar, beta_bar, bias_bar = sums[0], sums[1], sums[2]
    for r in range(y.shape[0]):
        bar, y_row, u, own = y_bar[r], y[r], normal[r], z_bar[r]
        total = along = 0.0
        for i in range(n):
            v_bar = bar[i] if y_row[i] > 0 else slope * bar[i]
            own[i] = v_bar
            total += np.float64(gamma[i] * v_bar)
            along += np.float64(gamma[i] * v_bar * u[i])
        for i in range(n):
            beta_bar[i] += np.float64(own[i])
            gamma_bar[i] += np.float64(own[i] * u[i])
        mean, along = own.dtype.type(total / n), own.dtype.type(along / n)
        for i in range(n):
            own[i] = scales[r] * (gamma[i] * own[i] - mean - u[i] * along)
            bias_bar[i] += np.float64(own[i])


@njit_relaxed
def _kernel_vjp(
    y_bar, y, normal, scales, gamma, beta, slope, x, tiles, nothing, x_bar, kernel_bar, sums
):
    z_bar, kept = np.empty((ROWS, y.shape[1]), y.dtype), len(normal) > 0
    room = np.empty((0 if kept else ROWS, y.shape[1]), y.dtype)
    for first in range(0, x.shape[0], ROWS):
        stop = min(first + ROWS, x.shape[0])
        own = z_bar[: stop - first]
        before = normal[first:stop] if kept else room[: stop - first]
        if not kept:
            _restore(y[first:stop], gamma, beta, slope, before)
        _pull_norm(
            y_bar[first:stop], y[first:stop], before, scales[first:stop], gamma, slope, own, sums
        )
        multiply(own, tiles, nothing, x_bar[first:stop])
        add_transposed(x[first:stop], own, kernel_bar)


def _can_be_restored(gamma, beta, slope):
    """Return whether `_restore` loses no more than a digit: layers are limited by memory."""
    sizes = np.abs(gamma)
    return bool(slope >= 1e-3 and sizes.min() >= 1e-3 and (np.abs(beta) <= 8 * sizes).all())


def vjp(x, kernel, bias, gamma, beta, *, epsilon, slope):
    (n_rows, n_in), n_out = x.shape, len(bias)
    slope = x.dtype.type(slope)
    kept = 0 if _can_be_restored(gamma, beta, slope) else n_rows
    y, normal, scales = (np.empty(s, x.dtype) for s in ((n_rows, n_out), (kept, n_out), n_rows))
    tiles = as_tiles(kernel, x.dtype)

    def forward(begin, end):
        rows = slice(begin, end)
        _kernel(
            x[rows], tiles, bias, gamma, beta, float(epsilon), slope,
            normal[rows], scales[rows], y[rows],
        )  # fmt: skip

    run_parts(forward, ranges(n_rows, 4 * ROWS))

    def pullback(y_bar):
        x_bar = np.empty_like(x)
        parts = ranges(n_rows, LONG)
        kernel_bars = no_sums(len(parts), n_in, n_out, x.dtype)
        sums = np.zeros((len(parts), 3, n_out))
        transposed, nothing = as_tiles(kernel.T, x.dtype), no_bias(n_in, x.dtype)

        def backward(i, begin, end):
            rows = slice(begin, end)
            _kernel_vjp(
                y_bar[rows], y[rows], normal[rows], scales[rows], gamma, beta, slope,
                x[rows], transposed, nothing, x_bar[rows], kernel_bars[i], sums[i],
            )  # fmt: skip

        run_parts(backward, [(i, *rows) for i, rows in enumerate(parts)])
        gamma_bar, beta_bar, bias_bar = sums.sum(axis=0).astype(x.dtype)
        return x_bar, from_tiles(kernel_bars, n_in, n_out), bias_bar, gamma_bar, beta_bar

    return y, pullback


def check(dims, *, epsilon=1e-3, slope=0.2):
    require(epsilon > 0, f"epsilon is {epsilon}, must be positive, e.g. 0.001")
    require(slope >= 0, f"slope is {slope}, must be at least 0, e.g. 0.2")


def cases():
    rng = np.random.default_rng(0)

    def call(*lead, n_in=3, n_out=5):
        kernel, bias = rng.standard_normal((n_in, n_out)), rng.standard_normal(n_out)
        gamma, beta = 1 + 0.3 * rng.standard_normal(n_out), rng.standard_normal(n_out)
        return [rng.standard_normal((*lead, n_in)), kernel, bias, gamma, beta]

    to_three = [np.array([2.0]), np.array([[0.0, 1.0, 2.0]]), np.zeros(3)]
    return [
        # z = 0, 2, 4; variance 8/3, with epsilon 4/3 the root is 2: u = -1, 0, 1; v = -1, 5, 4
        Case(
            "by hand",
            [*to_three, np.array([1.0, 2.0, 3.0]), np.array([0.0, 5.0, 1.0])],
            {"epsilon": 4 / 3, "slope": 0.5},
            np.array([-0.5, 5.0, 4.0]),
        ),
        Case("typical", call(2, 7)),
        Case("more than a block", call(131, n_in=37, n_out=150)),
        Case("one input", call(3, n_in=1)),
        Case("steep", call(4), {"slope": 2.0}),
        Case("flat below 0", call(4), {"slope": 0.0}),
        Case("small gamma", [*call(4)[:3], np.full(5, 1e-4), call(4)[4]]),
        Case("bad epsilon", call(2), {"epsilon": 0.0}, error="epsilon is 0.0, must be positive"),
        Case("bad slope", call(2), {"slope": -1.0}, error="slope is -1.0, must be at least 0"),
        Case(
            "wrong gamma",
            [*call(2)[:3], np.ones(3), np.ones(5)],
            error=r"gamma has shape \(3,\), must be \(n_out\) with n_out=5",
        ),
    ]


fc_layer = Op(
    "fc_layer",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_in),[n_in,n_out],[n_out],[n_out],[n_out]->(n_out)",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, Fc",
)
