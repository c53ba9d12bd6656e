"""Distances of sets of points with weights, with their pullbacks: densities and transport."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from ddsp_ref.compat.magenta._pieces import unbroadcast
from ddsp_ref.compat.magenta._record import Piece


@Piece
def mixture_log_density(points, weights, centers, *, scale):
    """Logarithm of a sum of Gaussians at points: points (..., m), weights and centers (..., n).

    ``log(sum_j w_j N(x_i; c_j, scale) / sum_j w_j)``. Takes memory for m times n.
    """
    apart = (points[..., :, None] - centers[..., None, :]) / scale
    total = weights.sum(axis=-1, keepdims=True)
    exponents = -0.5 * apart**2 + np.log(weights / total)[..., None, :]
    y = logsumexp(exponents, axis=-1)

    def pullback(bar):
        share = np.exp(exponents - y[..., None]) * bar[..., None]
        pull = share * apart / scale
        per_weight = unbroadcast(share.sum(axis=-2), weights.shape)
        all_bar = unbroadcast(bar.sum(axis=-1, keepdims=True), total.shape)
        return (
            unbroadcast(-pull.sum(axis=-1), points.shape),
            per_weight / weights - all_bar / total,
            unbroadcast(pull.sum(axis=-2), centers.shape),
        )

    constant = np.log(scale * np.sqrt(2 * np.pi))
    return (y - constant).astype(points.dtype), pullback


def _cumulative(values, weights, places):
    """Return how much weight lies at or below each place, and what is counted where."""
    below = values[..., None, :] <= places[..., :, None]
    return np.sum(below * weights[..., None, :], axis=-1), below


@Piece
def transport(u_values, v_values, u_weights, v_weights, *, p):
    """``(sum_k (x[k + 1] - x[k]) |U(x[k]) - V(x[k])|^p)^(1 / p)`` over all values x in order.

    U and V are the cumulative weights. Where they are equal the gradient of the weights is 0.
    """
    values = np.concatenate([u_values, v_values], axis=-1)
    order = np.argsort(values, axis=-1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=-1)
    gaps, places = np.diff(ordered, axis=-1), ordered[..., :-1]
    u_sum, u_below = _cumulative(u_values, u_weights, places)
    v_sum, v_below = _cumulative(v_values, v_weights, places)
    apart = u_sum - v_sum
    cost = np.abs(apart) ** p
    total = np.sum(gaps * cost, axis=-1)
    y = total ** (1 / p)

    def pullback(bar):
        outer = (bar * (total ** (1 / p - 1) / p if p != 1 else 1.0))[..., None]
        ordered_bar = np.zeros_like(ordered)
        ordered_bar[..., 1:] += outer * cost
        ordered_bar[..., :-1] -= outer * cost
        values_bar = np.empty_like(values)
        np.put_along_axis(values_bar, order, ordered_bar, axis=-1)
        slope = np.abs(apart) ** (p - 1) if p != 1 else 1.0
        apart_bar = (outer * gaps * p * slope * np.sign(apart))[..., None]
        n_u = u_values.shape[-1]
        return (
            values_bar[..., :n_u],
            values_bar[..., n_u:],
            np.sum(apart_bar * u_below, axis=-2),
            -np.sum(apart_bar * v_below, axis=-2),
        )

    return y, pullback
