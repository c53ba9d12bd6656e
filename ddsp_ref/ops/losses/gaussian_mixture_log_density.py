"""Logarithm of a sum of Gaussians: how likely points are, given points with weights."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, ranges, run_parts
from ddsp_ref.op import Case, Op

# Pairs of a point and a centre in one part of the work
_PART = 1 << 16
# exp(-FAR) is below half a unit of the last place of 1, and so is what a thousand such add up to
_FAR = 45.0


def define(points, weights, centers, *, scale, eps=1e-7, xp=np):
    """Evaluate the logarithm of a density with a Gaussian around each of several centres.

    ``y[i] = ln(sum_j w[j] g(points[i] - centers[j]) / sum_j w[j])``, where g is the density of a
    normal distribution, ``g(d) = exp(-d^2 / (2 scale^2)) / (scale sqrt(2 pi))``, and w are the
    weights, with eps in place of those that are not positive.

    Parameters
    ----------
    points : array, shape (..., n_points)
        Where the density is wanted.
    weights : array, shape (..., n_centers)
        Height of each Gaussian, in any unit: they are divided by their sum.
    centers : array, shape (..., n_centers)
        Middle of each Gaussian, in the unit of the points.
    scale : float
        Standard deviation of all Gaussians, positive, in the unit of the points.
    eps : float
        Stand-in for weights of 0 or less, positive, so that there is a density even if all are 0.

    Returns
    -------
    array, shape (..., n_points)
        Natural logarithm of the density.

    Raises
    ------
    ParameterError
        If scale or eps is not positive.

    Notes
    -----
    Gradient: that of the formula; 0 for weights that are not positive. With the shares
    ``r[i, j]`` of the centres in the density at a point, ``sum_j r[i, j] = 1``, that of y[i] is
    ``-sum_j r[i, j] (points[i] - centers[j]) / scale^2`` for the point.
    Precision: float64 inside, whatever the inputs; the largest summand is taken out of the
    logarithm, so that nothing underflows. Summands below 1e-19 of the largest are left out.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, kernel_density_estimate, where the density is
    MixtureSameFamily of TensorFlow Probability; Parzen 1962.
    Differences: for negative weights the original is not a number. The original keeps all pairs
    of points and centres in memory.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> points, centers = np.array([0.0, 1.0]), np.array([0.0])
    >>> ddsp_ref.gaussian_mixture_log_density(points, np.ones(1), centers, scale=1.0).round(4)
    array([-0.9189, -1.4189])
    """
    kept = xp.where(weights > 0, weights, eps)
    exponents = xp.log(kept) - ((points[:, None] - centers) / scale) ** 2 / 2
    top = xp.max(exponents, axis=1)
    total = xp.sum(xp.exp(exponents - top[:, None]), axis=1)
    return top + xp.log(total) - xp.log(xp.sum(kept)) - np.log(scale * np.sqrt(2 * np.pi))


@njit
def _kernel(points, log_weights, centers, per_scale, y, first, last):
    n = centers.shape[1]
    exponents = np.empty(n)
    for b in range(first, last):
        own_weights = log_weights[b if len(log_weights) > 1 else 0]
        own_centers = centers[b if len(centers) > 1 else 0]
        for i in range(points.shape[1]):
            top = -np.inf
            for j in range(n):
                apart = (points[b, i] - own_centers[j]) * per_scale
                exponents[j] = own_weights[j] - 0.5 * apart * apart
                top = max(top, exponents[j])
            total = 0.0
            for j in range(n):
                if exponents[j] >= top - _FAR:  # equal where 45 is below the last place of both
                    total += math.exp(exponents[j] - top)
            y[b, i] = top + math.log(total)


@njit
def _kernel_vjp(y_bar, y, points, log_weights, centers, per_scale, bars, first, last):
    points_bar, log_weights_bar, centers_bar = bars
    for b in range(first, last):
        own_weights = log_weights[b if len(log_weights) > 1 else 0]
        own_centers = centers[b if len(centers) > 1 else 0]
        for i in range(points.shape[1]):
            pull = 0.0
            for j in range(len(own_centers)):
                apart = (points[b, i] - own_centers[j]) * per_scale
                exponent = own_weights[j] - 0.5 * apart * apart - y[b, i]
                if exponent > -_FAR:
                    share = y_bar[b, i] * math.exp(exponent)
                    log_weights_bar[b, j] += share
                    centers_bar[b, j] += share * apart * per_scale
                    pull += share * apart * per_scale
            points_bar[b, i] = -pull


def vjp(points, weights, centers, *, scale, eps=1e-7):
    given = weights > 0
    kept = np.where(given, weights.astype(np.float64), eps)
    total = kept.sum(axis=1, keepdims=True)
    wide = points.astype(np.float64), np.log(kept / total), centers.astype(np.float64)
    y = np.empty(points.shape)
    n_pairs = points.shape[1] * centers.shape[1]
    parts = ranges(len(points), max(_PART // n_pairs, 1))
    run_parts(_kernel, [(*wide, 1.0 / scale, y, *part) for part in parts])

    def pullback(y_bar):
        y_bar = y_bar.astype(np.float64)
        shape = (len(points), centers.shape[1])
        bars = np.empty(points.shape), np.zeros(shape), np.zeros(shape)
        run_parts(_kernel_vjp, [(y_bar, y, *wide, 1.0 / scale, bars, *part) for part in parts])
        points_bar, log_weights_bar, centers_bar = bars
        weights_bar = log_weights_bar / kept - y_bar.sum(axis=1, keepdims=True) / total
        return points_bar, weights_bar * given, centers_bar

    level = y - math.log(scale * math.sqrt(2 * math.pi))
    return level.astype(points.dtype), pullback


def check(dims, *, scale, eps=1e-7):
    require(0 < scale < math.inf, f"scale is {scale}, must be positive, e.g. 0.5")
    require(0 < eps < math.inf, f"eps is {eps}, must be positive, e.g. 1e-7")


def cases():
    rng = np.random.default_rng(0)
    points, centers = 3 * rng.standard_normal(7), 3 * rng.standard_normal(5)
    weights, root = rng.uniform(0.1, 2.0, 5), math.sqrt(2 * math.pi)
    zero, one = np.zeros(1), np.ones(1)
    # the second centre is so far from 0 that its Gaussian is at a third of its height there
    third = np.array([0.0, 2 * math.sqrt(2 * math.log(3.0))])
    some_silent = np.array([0.5, 0.0, 1.0, -2.0, 0.0])
    return [
        Case("by hand", [np.array([1.0, 3.0]), np.array([7.0]), one], {"scale": 2.0},
             np.array([-math.log(2 * root), -0.5 - math.log(2 * root)])),
        Case("by hand, weights", [zero, np.array([3.0, 1.0]), third], {"scale": 2.0},
             np.array([math.log(5 / 6) - math.log(2 * root)])),
        Case("by hand, weight 0", [zero, np.array([3.0, 0.0]), third], {"scale": 2.0, "eps": 1.0},
             np.array([math.log(5 / 6) - math.log(2 * root)]), grad=False),
        Case("typical", [points, weights, centers], {"scale": 0.5}),
        Case("frames", [points[:6].reshape(2, 3), np.stack([weights, weights[::-1]]), centers],
             {"scale": 2.0}),
        Case("one mixture for all", [points[:, None], weights, centers], {"scale": 0.7}),
        Case("far", [np.array([-1e4, 1e4]), weights, centers], {"scale": 0.1}),
        Case("beyond the last place", [np.array([-1e11, 1e10]), weights, centers], {"scale": 0.1}),
        Case("narrow", [centers, weights, centers], {"scale": 1e-3}),
        Case("some silent", [points, some_silent, centers], {"scale": 0.5}, grad=False),
        Case("all silent", [zero, np.zeros(2), third], {"scale": 2.0},
             np.array([math.log(2 / 3) - math.log(2 * root)]), grad=False),
        Case("no scale", [zero, one, zero], {"scale": 0.0}, error="scale is 0.0, must be pos"),
        Case("no eps", [zero, one, zero], {"scale": 1.0, "eps": 0.0}, error="eps is 0.0, must be"),
        Case("missing", [zero, one, zero], error="setting 'scale' is missing"),
        Case("weights", [points, weights[:3], centers], {"scale": 1.0},
             error=r"centers has shape \(5,\)"),
    ]  # fmt: skip


gaussian_mixture_log_density = Op(
    "gaussian_mixture_log_density",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_points),(n_centers),(n_centers)->(n_points)",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, kernel_density_estimate; Parzen 1962",
    one_for_all=("weights", "centers"),
)
