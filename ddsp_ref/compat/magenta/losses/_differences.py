"""Mean differences of arrays, with their pullbacks: what all losses of the face end in."""

from __future__ import annotations

import numpy as np

from ddsp_ref.compat.magenta._pieces import unbroadcast
from ddsp_ref.compat.magenta._record import Piece


@Piece
def mean_absolute(target, value, weights):
    """Mean of |(target - value) weights|; where that is 0 the gradient is 0."""
    difference = target - value
    weighted = difference * weights

    def pullback(bar):
        sign = np.sign(weighted) * (bar / weighted.dtype.type(weighted.size))
        bars = sign * weights, -sign * weights, sign * difference
        arrays = target, value, weights
        return tuple(unbroadcast(b, np.shape(a)) for b, a in zip(bars, arrays, strict=True))

    return np.mean(np.abs(weighted)), pullback


@Piece
def mean_square(target, value, weights):
    """Mean of (target - value)^2 weights."""
    difference = target - value
    square = difference * difference
    weighted = square * weights

    def pullback(bar):
        share = bar / weighted.dtype.type(weighted.size)
        slope = 2 * share * difference * weights
        bars = slope, -slope, share * np.broadcast_to(square, weighted.shape)
        arrays = target, value, weights
        return tuple(unbroadcast(b, np.shape(a)) for b, a in zip(bars, arrays, strict=True))

    return np.mean(weighted), pullback


@Piece
def mean_cosine(target, value, weights):
    """Mean of (1 - sum(target value)) weights over the weights that are not 0."""
    distance = 1 - np.sum(target * value, axis=-1, keepdims=True)
    weighted = distance * weights
    n = distance.dtype.type(max(np.count_nonzero(np.broadcast_to(weights, weighted.shape)), 1))

    def pullback(bar):
        slope = np.broadcast_to(bar / n * weights, weighted.shape)
        bars = -slope * value, -slope * target, bar / n * np.broadcast_to(distance, weighted.shape)
        arrays = target, value, weights
        return tuple(unbroadcast(b, np.shape(a)) for b, a in zip(bars, arrays, strict=True))

    return np.sum(weighted) / n, pullback


@Piece
def cumulative_sum(x):
    """Sum along the last axis."""

    def pullback(bar):
        return (np.cumsum(bar[..., ::-1], axis=-1)[..., ::-1],)

    return np.cumsum(x, axis=-1), pullback


@Piece
def at_least(x, *, floor):
    """The larger of x and floor; at equality half of the gradient, below none."""
    share = np.where(x > floor, 1, np.where(x == floor, 0.5, 0)).astype(x.dtype)
    return np.maximum(x, x.dtype.type(floor)), lambda bar: (bar * share,)
