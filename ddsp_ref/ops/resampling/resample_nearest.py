"""Frames held, without interpolation."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit
from ddsp_ref.op import Case, Op


def define(x, *, n_samples, add_endpoint=True, xp=np):
    """Resample controls by holding frames.

    ``y[t] = x[i]`` with ``i = floor(t n_frames / n_samples)``. Without the endpoint ``i`` is
    ``t (n_frames - 1) / (n_samples - 1)``, rounded, a half upwards.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_channels)
        Controls, any real number.
    n_samples : int
        New number of time steps, at least 1; more or fewer than n_frames.
    add_endpoint : bool
        True: every frame is held from its own sample, ``i * n_samples / n_frames``, to that of the
        next. False: first and last frame sit at the first and last sample, and each is held half
        the way to its neighbours.

    Returns
    -------
    array, shape (..., n_samples, n_channels)
        Resampled controls.

    Raises
    ------
    ParameterError
        If n_samples is no whole number of at least 1.

    Notes
    -----
    Gradient: the sum of the cotangents of all samples at which a frame is held.
    Precision: exact; positions are whole-number arithmetic.
    Differences: TensorFlow computes positions in float32, so that where a position is exactly a
    whole number (a half without endpoint) it may take the frame on the other side.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, resample, method "nearest" (tf.image.resize,
    nearest neighbour, without half-pixel centres).

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.resample_nearest(np.array([[1.0], [4.0]]), n_samples=5).ravel()
    array([1., 1., 1., 4., 4.])
    """
    n_frames = x.shape[0]
    ticks = np.arange(n_samples)
    if add_endpoint:
        return x[ticks * n_frames // n_samples]
    if n_samples == 1:
        return x[:1]
    # floor(position + 1/2)
    return x[(2 * ticks * (n_frames - 1) + n_samples - 1) // (2 * (n_samples - 1))]


@njit
def _kernel(x, y, start, steps, length):
    n_batch, _, n_channels = x.shape
    for b in range(n_batch):
        frame, rest = 0, start  # position is frame + rest / length
        for t in range(y.shape[1]):
            for c in range(n_channels):
                y[b, t, c] = x[b, frame, c]
            rest += steps
            frame += rest // length
            rest %= length


@njit
def _kernel_vjp(y_bar, x_bar, start, steps, length):
    n_batch, _, n_channels = x_bar.shape
    for b in range(n_batch):
        frame, rest = 0, start
        for t in range(y_bar.shape[1]):
            for c in range(n_channels):
                x_bar[b, frame, c] += y_bar[b, t, c]
            rest += steps
            frame += rest // length
            rest %= length


def vjp(x, *, n_samples, add_endpoint=True):
    n_batch, n_frames, n_channels = x.shape
    n_samples = int(n_samples)
    grid = (0, n_frames, n_samples)
    if not add_endpoint:  # half a frame ahead, in units of half a sample
        grid = (n_samples - 1, 2 * (n_frames - 1), 2 * (n_samples - 1))
        if n_samples == 1:
            grid = (0, 0, 1)
    y = np.empty((n_batch, n_samples, n_channels), x.dtype)
    _kernel(x, y, *grid)

    def pullback(y_bar):
        x_bar = np.zeros(x.shape)
        _kernel_vjp(y_bar, x_bar, *grid)
        return (x_bar.astype(x.dtype, copy=False),)

    return y, pullback


def check(dims, *, n_samples, add_endpoint=True):
    require(n_samples >= 1, f"n_samples is {n_samples}, must be a whole number of at least 1")


def cases():
    ramp = np.array([[0.0, 3.0], [4.0, 2.0], [8.0, -1.0]])
    wave = np.sin(np.arange(14.0)).reshape(7, 2)
    short = {"n_samples": 4, "add_endpoint": False}
    return [
        Case("by hand", [ramp], {"n_samples": 5}, ramp[[0, 0, 1, 1, 2]]),
        # positions 0, 2/4, 4/4, 6/4, 8/4: halves go up
        Case("by hand, no endpoint", [ramp], {"n_samples": 5, "add_endpoint": False},
             ramp[[0, 1, 1, 2, 2]]),
        Case("whole hops", [ramp], {"n_samples": 6}, np.repeat(ramp, 2, axis=0)),
        Case("up", [wave], {"n_samples": 40}),
        Case("down", [wave], {"n_samples": 4}, wave[[0, 1, 3, 5]]),
        Case("down, no endpoint", [wave], short, wave[[0, 2, 4, 6]]),
        Case("same length", [wave], {"n_samples": 7}, wave),
        Case("one frame", [wave[:1]], {"n_samples": 3}, np.repeat(wave[:1], 3, axis=0)),
        Case("one frame, no endpoint", [wave[:1]], short, np.repeat(wave[:1], 4, axis=0)),
        Case("one sample", [wave], {"n_samples": 1}, wave[:1]),
        Case("one sample, no endpoint", [wave], {"n_samples": 1, "add_endpoint": False}, wave[:1]),
        Case("no samples", [wave], {"n_samples": 0}, error="n_samples is 0, must be a whole"),
        Case("half a sample", [wave], {"n_samples": 2.5}, error="n_samples is 2.5, must be a"),
    ]  # fmt: skip


resample_nearest = Op(
    "resample_nearest",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_channels)->(n_samples,n_channels)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, resample",
)
