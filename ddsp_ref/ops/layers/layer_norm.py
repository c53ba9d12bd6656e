"""Layer normalisation: each frame to mean 0 and variance 1 over its channels."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit_relaxed, ranges, run_parts
from ddsp_ref.op import Case, Op

# Frames per part. Fixed, so that sums over frames do not depend on the number of threads.
ROWS = 256


def define(x, gamma, beta, *, epsilon=1e-3, xp=np):
    """Bring each frame to mean 0 and variance 1 over its channels, then scale and shift.

    ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``, with the population variance.

    Parameters
    ----------
    x : array, shape (..., n)
        Input.
    gamma : array, shape (n,)
        Scale per channel.
    beta : array, shape (n,)
        Shift per channel.
    epsilon : float
        Added to the variance, positive: a frame that is constant maps to beta.

    Returns
    -------
    array, shape (..., n)
        Normalised input.

    Raises
    ------
    ParameterError
        If epsilon is not positive.

    Notes
    -----
    Gradient: with ``u = (x - mean) / sqrt(variance + epsilon)`` and ``g = gamma * y_bar``,
    ``x_bar = (g - mean(g) - u * mean(g * u)) / sqrt(variance + epsilon)``; gamma_bar and beta_bar
    are the sums of ``y_bar * u`` and ``y_bar`` over all frames.
    Precision: two passes (mean, then variance of the centred frame) in double precision, so that
    a large common offset does no harm.
    Source: Ba et al. 2016; keras 2.15, LayerNormalization, whose default epsilon is 1e-3.
    Differences: PyTorch's default epsilon is 1e-5.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> x = np.array([[1.0, 2.0, 3.0], [10.0, 10.0, 10.0]])
    >>> ddsp_ref.layer_norm(x, np.ones(3), np.zeros(3)).round(3)
    array([[-1.224,  0.   ,  1.224],
           [ 0.   ,  0.   ,  0.   ]])
    """
    centred = x - xp.mean(x)
    variance = xp.mean(centred**2)
    return gamma * centred / xp.sqrt(variance + epsilon) + beta


@njit_relaxed
def _kernel(x, gamma, beta, epsilon, y, means, scales, start, stop):
    n = x.shape[1]
    for b in range(start, stop):
        x_b, y_b = x[b], y[b]
        total = 0.0
        for i in range(n):
            total += float(x_b[i])
        mean = total / n
        power = 0.0
        for i in range(n):
            power += (float(x_b[i]) - mean) * (float(x_b[i]) - mean)
        scale = 1.0 / math.sqrt(power / n + epsilon)
        for i in range(n):
            y_b[i] = float(gamma[i]) * ((float(x_b[i]) - mean) * scale) + beta[i]
        means[b], scales[b] = mean, scale


@njit_relaxed
def _kernel_vjp(x_bar, gamma_bar, beta_bar, y_bar, x, gamma, means, scales, start, stop):
    """Write x_bar of the frames start..stop, add up gamma_bar and beta_bar of this part."""
    n = x.shape[1]
    for b in range(start, stop):
        x_b, y_bar_b, x_bar_b = x[b], y_bar[b], x_bar[b]
        mean, scale = means[b], scales[b]
        total = along = 0.0
        for i in range(n):
            g = float(gamma[i]) * y_bar_b[i]
            total += g
            along += g * ((float(x_b[i]) - mean) * scale)
        total, along = total / n, along / n
        for i in range(n):
            u = (float(x_b[i]) - mean) * scale
            x_bar_b[i] = scale * (float(gamma[i]) * y_bar_b[i] - total - u * along)
        for i in range(n):
            gamma_bar[i] += float(y_bar_b[i]) * ((float(x_b[i]) - mean) * scale)
        for i in range(n):
            beta_bar[i] += y_bar_b[i]


def vjp(x, gamma, beta, *, epsilon=1e-3):
    n_rows, n = x.shape
    y, means, scales = np.empty_like(x), np.empty(n_rows), np.empty(n_rows)
    parts = ranges(n_rows, ROWS)
    shared = (x, gamma, beta, float(epsilon), y, means, scales)
    run_parts(_kernel, [(*shared, *part) for part in parts])

    def pullback(y_bar):
        x_bar = np.empty_like(x)
        sums = np.zeros((len(parts), 2, n))
        shared = (y_bar, x, gamma, means, scales)
        run_parts(
            _kernel_vjp,
            [(x_bar, sums[i, 0], sums[i, 1], *shared, *part) for i, part in enumerate(parts)],
        )
        gamma_bar, beta_bar = sums.sum(axis=0).astype(x.dtype)
        return x_bar, gamma_bar, beta_bar

    return y, pullback


def check(dims, *, epsilon=1e-3):
    require(epsilon > 0, f"epsilon is {epsilon}, must be positive, e.g. 0.001")


def cases():
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((2, 3, 7))
    gamma, beta = 1 + 0.3 * rng.standard_normal(7), rng.standard_normal(7)
    return [
        # mean 2, variance 8/3; with epsilon 4/3 the root is 2
        Case(
            "by hand",
            [np.array([0.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]), np.array([0.0, 5.0, 1.0])],
            {"epsilon": 4 / 3},
            np.array([-1.0, 5.0, 4.0]),
        ),
        Case("typical", [frames, gamma, beta]),
        Case("small epsilon", [frames, gamma, beta], {"epsilon": 1e-8}),
        # multiples of 1/2, so that float32 holds the input exactly
        Case("large offset", [4096.0 + np.round(2 * frames) / 2, gamma, beta]),
        Case("constant frame", [np.full((2, 7), 3.0), gamma, beta], expected=np.stack([beta] * 2)),
        Case("one channel", [np.array([[4.0], [-1.0]]), [2.0], [0.5]], expected=[[0.5], [0.5]]),
        Case("epsilon 0", [frames, gamma, beta], {"epsilon": 0.0}, error="epsilon is 0.0, must be"),
        Case("wrong gamma", [frames, np.ones(3), beta], error=r"gamma has shape \(3,\), must be"),
    ]


layer_norm = Op(
    "layer_norm",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n),[n],[n]->(n)",
    source="keras 2.15, LayerNormalization; Ba et al. 2016",
)
