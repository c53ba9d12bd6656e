"""Overlapping Hann windows, one for each frame."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit
from ddsp_ref.op import Case, Op


def define(x, *, n_samples, add_endpoint=True, xp=np):
    """Resample controls by a Hann window for each frame, overlapping by half.

    ``y[t] = sum_i x[i] w(t - i hop)``, ``w(s) = (1 + cos(pi s / hop)) / 2`` for ``|s| <= hop``.
    The windows add up to one, so a constant stays constant.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_channels)
        Controls, any real number.
    n_samples : int
        New number of time steps: more than n_frames, and a multiple of the number of intervals.
    add_endpoint : bool
        True: there are n_frames intervals, and the last frame is held for one more.
        False: n_frames - 1 intervals; the signal stops short of the last frame.

    Returns
    -------
    array, shape (..., n_samples, n_channels)
        Resampled controls.

    Raises
    ------
    ParameterError
        If n_samples is not larger than n_frames, or no multiple of the intervals.

    Notes
    -----
    Gradient: linear in x, so the pullback is the transposed matrix.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, upsample_with_windows.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.resample_window(np.array([[0.0], [4.0]]), n_samples=8).ravel().round(3)
    array([0.   , 0.586, 2.   , 3.414, 4.   , 4.   , 4.   , 4.   ])
    """
    n_frames = x.shape[0]
    n_intervals = n_frames if add_endpoint else n_frames - 1
    hop = n_samples // n_intervals
    held = xp.concatenate([x, x[-1:]]) if add_endpoint else x
    distance = np.arange(n_samples)[:, None] - hop * np.arange(n_intervals + 1)
    windows = np.where(np.abs(distance) <= hop, 0.5 + 0.5 * np.cos(np.pi * distance / hop), 0.0)
    return xp.dot(windows, held)


@njit
def _kernel(x, rise, y):
    """Fill y; rise[j] is the weight of the frame on the right, j samples after the left one."""
    n_batch, n_frames, n_channels = x.shape
    hop = len(rise)
    for b in range(n_batch):
        for t in range(y.shape[1]):
            left = t // hop
            right = min(left + 1, n_frames - 1)
            share = rise[t % hop]
            for c in range(n_channels):
                here = float(x[b, left, c])
                y[b, t, c] = here + share * (float(x[b, right, c]) - here)


@njit
def _kernel_vjp(y_bar, rise, x_bar):
    n_batch, n_frames, n_channels = x_bar.shape
    hop = len(rise)
    for b in range(n_batch):
        for t in range(y_bar.shape[1]):
            left = t // hop
            right = min(left + 1, n_frames - 1)
            share = rise[t % hop]
            for c in range(n_channels):
                bar = float(y_bar[b, t, c])
                x_bar[b, left, c] += (1 - share) * bar
                x_bar[b, right, c] += share * bar


def vjp(x, *, n_samples, add_endpoint=True):
    n_batch, n_frames, n_channels = x.shape
    hop = n_samples // (n_frames if add_endpoint else n_frames - 1)
    rise = np.sin(math.pi / (2 * hop) * np.arange(hop)) ** 2
    y = np.empty((n_batch, n_samples, n_channels), x.dtype)
    _kernel(x, rise, y)

    def pullback(y_bar):
        x_bar = np.zeros(x.shape)
        _kernel_vjp(y_bar, rise, x_bar)
        return (x_bar.astype(x.dtype, copy=False),)

    return y, pullback


def check(dims, *, n_samples, add_endpoint=True):
    n_frames = dims["n_frames"]
    n_intervals = n_frames if add_endpoint else n_frames - 1
    require(n_intervals > 0, "n_frames is 1, must be at least 2 without endpoint")
    nearest = max(2, round(n_samples / n_intervals)) * n_intervals
    require(
        n_samples > n_frames,
        f"n_samples is {n_samples}, must be more than n_frames={n_frames}, e.g. {nearest}",
    )
    require(
        n_samples % n_intervals == 0,
        f"n_samples is {n_samples}, must be a multiple of {n_intervals} intervals, e.g. {nearest}",
    )


def cases():
    wave = np.sin(np.arange(8.0)).reshape(4, 2)
    two = np.array([[0.0], [4.0]])
    return [
        # half-way between frames both weigh 1/2; on a frame it alone counts
        Case("by hand", [two], {"n_samples": 4}, np.array([[0.0], [2.0], [4.0], [4.0]])),
        # cos(pi/3) = 1/2: weights 3/4 and 1/4 a third of the way along
        Case("by hand, no endpoint", [two], {"n_samples": 3, "add_endpoint": False},
             np.array([[0.0], [1.0], [3.0]])),
        Case("up", [wave], {"n_samples": 40}),
        Case("up, no endpoint", [wave], {"n_samples": 15, "add_endpoint": False}),
        Case("one frame", [wave[:1]], {"n_samples": 3}, np.repeat(wave[:1], 3, axis=0)),
        Case("no multiple", [wave], {"n_samples": 41}, error="multiple of 4 intervals, e.g. 40"),
        Case("down", [wave], {"n_samples": 2}, error="must be more than n_frames=4, e.g. 8"),
        Case("alone", [wave[:1]], {"n_samples": 2, "add_endpoint": False}, error="at least 2"),
    ]  # fmt: skip


resample_window = Op(
    "resample_window",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_channels)->(n_samples,n_channels)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, upsample_with_windows",
)
