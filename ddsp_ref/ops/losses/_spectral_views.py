"""Views of magnitudes, their pullbacks, and the weighted distance of two signals in them."""

from __future__ import annotations

import numpy as np

from . import mean_difference


def _differences(axis):
    """Return differences of neighbours along an axis, and what their cotangents pull back to."""
    return (
        lambda mags: np.diff(mags, axis=axis),
        lambda bar: -np.diff(bar, axis=axis, prepend=0.0, append=0.0),
    )


LINEAR = {
    "mag_weight": (lambda mags: mags, lambda bar: bar),
    "delta_time_weight": _differences(1),
    "delta_freq_weight": _differences(2),
    "cumsum_freq_weight": (
        lambda mags: np.cumsum(mags, axis=2),
        lambda bar: np.cumsum(bar[:, :, ::-1], axis=2)[:, :, ::-1],
    ),
}


def log_view_of(log_floor, log_eps):
    """Return the logarithm of magnitudes, and its pullback given these."""

    def view(mags):
        return np.log(mags + log_eps if log_floor == "add" else np.where(mags > 0, mags, log_eps))

    def pull(bar, mags):
        lifted = mags + log_eps if log_floor == "add" else np.where(mags > 0, mags, np.inf)
        return bar / lifted

    return view, pull


def compare_views(mags, weights, loss_type, terms, log_view):
    """Return the sum of the terms, and a pullback to magnitudes and weights, all float64."""
    total, pulls = 0.0, []
    for name, weight in terms.items():
        if weight > 0:
            view, pull_view = LINEAR.get(name, log_view)
            y, pull_distance = mean_difference.vjp(*map(view, mags), weights, loss_type=loss_type)
            total = total + weight * y
            pulls.append((weight, pull_distance, pull_view, name == "logmag_weight"))

    def pullback(y_bar):
        bars, weights_bar = [np.zeros_like(mag) for mag in mags], np.zeros_like(weights)
        for weight, pull_distance, pull_view, of_log in pulls:
            *view_bars, more = pull_distance(weight * y_bar)
            weights_bar += more
            for bar, view_bar, mag in zip(bars, view_bars, mags):
                bar += pull_view(view_bar, mag) if of_log else pull_view(view_bar)
        return *bars, weights_bar

    return total, pullback
