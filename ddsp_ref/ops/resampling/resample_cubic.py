"""Piecewise cubics through the frames."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit
from ddsp_ref.op import Case, Op


def define(x, *, n_samples, add_endpoint=True, slope=-0.75, table_size=1024, xp=np):
    """Resample controls by cubic convolution over four frames.

    ``y[t] = sum_{j=-1..2} x[i + j] w(r - j)`` with ``i + r = t n_frames / n_samples``; frames
    beyond the ends repeat the first and the last. Without the endpoint
    ``i + r = t (n_frames - 1) / (n_samples - 1)``. With a for the slope,
    ``w(s) = (a + 2) |s|^3 - (a + 3) |s|^2 + 1`` for ``|s| <= 1`` and
    ``w(s) = a |s|^3 - 5 a |s|^2 + 8 a |s| - 4 a`` for ``1 < |s| < 2``.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_channels)
        Controls, any real number.
    n_samples : int
        New number of time steps, at least 1; more or fewer than n_frames.
    add_endpoint : bool
        True: frame i sits at sample ``i * n_samples / n_frames`` and the last frame is held for
        one more step. False: first and last frame sit at the first and last sample.
    slope : float
        Slope of w at a distance of one frame. -0.75 is that of TensorFlow, OpenCV and PyTorch;
        -0.5 is that of Keys, which reproduces parabolas.
    table_size : int or None
        r is rounded to a multiple of ``1 / table_size``, a half to the even multiple. None: r is
        exact.

    Returns
    -------
    array, shape (..., n_samples, n_channels)
        Resampled controls; they overshoot the frames at jumps.

    Raises
    ------
    ParameterError
        If n_samples or table_size is no whole number of at least 1, or slope is not finite.

    Notes
    -----
    Gradient: linear in x, so the pullback is the transposed matrix.
    Precision: positions are exact rational numbers, weights double precision. TensorFlow's table
    of 1024 entries is kept by default because it is part of what magenta computes: leaving it out
    moves values by about 1e-3 of the largest frame.
    Differences: TensorFlow computes positions in float32, so that a position on the border of two
    table entries may fall to the other one, which changes weights by less than 1.5e-3.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, resample, method "cubic" (tf.image.resize, bicubic,
    without half-pixel centres); Keys 1981, eq. 4 with a for the free parameter.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.resample_cubic(np.array([[0.0], [4.0]]), n_samples=4).ravel()
    array([0.   , 2.   , 4.   , 4.375])
    """
    n_frames = x.shape[0]
    steps, length = (n_frames, n_samples) if add_endpoint else (n_frames - 1, n_samples - 1)
    if length == 0:  # one sample without endpoint: it is the first frame
        steps, length = 0, 1
    ticks = np.arange(n_samples) * steps
    fraction = (ticks % length) / length
    if table_size is not None:
        fraction = np.round((ticks % length) * table_size / length) / table_size
    y = 0.0
    for j in (-1, 0, 1, 2):
        s = np.abs(fraction - j)
        near = (slope + 2) * s**3 - (slope + 3) * s**2 + 1
        far = slope * s**3 - 5 * slope * s**2 + 8 * slope * s - 4 * slope
        frames = np.clip(ticks // length + j, 0, n_frames - 1)
        y = y + np.where(s <= 1, near, far)[:, None] * x[frames]
    return y


@njit
def _kernel(x, y, steps, length, slope, size):
    n_batch, n_frames, n_channels = x.shape
    last = n_frames - 1
    for b in range(n_batch):
        left, rest = 0, 0  # position is left + rest / length
        for t in range(y.shape[1]):
            r = rest / length
            if size > 0:
                r = round(rest * size / length) / size
            q = 1.0 - r
            before = slope * r * q * q
            after = slope * q * r * r
            own = 1.0 + r * r * ((slope + 2.0) * r - slope - 3.0)
            next_ = 1.0 + q * q * ((slope + 2.0) * q - slope - 3.0)
            i0, i1 = max(left - 1, 0), min(left, last)
            i2, i3 = min(left + 1, last), min(left + 2, last)
            for c in range(n_channels):
                inner = own * x[b, i1, c] + next_ * x[b, i2, c]
                y[b, t, c] = before * x[b, i0, c] + inner + after * x[b, i3, c]
            rest += steps
            left += rest // length
            rest %= length


@njit
def _kernel_vjp(y_bar, x_bar, steps, length, slope, size):
    n_batch, n_frames, n_channels = x_bar.shape
    last = n_frames - 1
    for b in range(n_batch):
        left, rest = 0, 0
        for t in range(y_bar.shape[1]):
            r = rest / length
            if size > 0:
                r = round(rest * size / length) / size
            q = 1.0 - r
            before = slope * r * q * q
            after = slope * q * r * r
            own = 1.0 + r * r * ((slope + 2.0) * r - slope - 3.0)
            next_ = 1.0 + q * q * ((slope + 2.0) * q - slope - 3.0)
            i0, i1 = max(left - 1, 0), min(left, last)
            i2, i3 = min(left + 1, last), min(left + 2, last)
            for c in range(n_channels):
                bar = float(y_bar[b, t, c])
                x_bar[b, i0, c] += before * bar
                x_bar[b, i1, c] += own * bar
                x_bar[b, i2, c] += next_ * bar
                x_bar[b, i3, c] += after * bar
            rest += steps
            left += rest // length
            rest %= length


def vjp(x, *, n_samples, add_endpoint=True, slope=-0.75, table_size=1024):
    n_batch, n_frames, n_channels = x.shape
    n_samples = int(n_samples)
    grid = (n_frames, n_samples)
    if not add_endpoint:
        grid = (n_frames - 1, n_samples - 1) if n_samples > 1 else (0, 1)
    shape = (float(slope), 0 if table_size is None else int(table_size))
    y = np.empty((n_batch, n_samples, n_channels), x.dtype)
    _kernel(x, y, *grid, *shape)

    def pullback(y_bar):
        x_bar = np.zeros(x.shape)
        _kernel_vjp(y_bar, x_bar, *grid, *shape)
        return (x_bar.astype(x.dtype, copy=False),)

    return y, pullback


def check(dims, *, n_samples, add_endpoint=True, slope=-0.75, table_size=1024):
    require(n_samples >= 1, f"n_samples is {n_samples}, must be a whole number of at least 1")
    require(
        table_size is None or 1 <= table_size <= 1 << 31,
        f"table_size is {table_size}, must be a whole number from 1 to {1 << 31}, or None",
    )


def cases():
    # half-way between frames, w(3/2) = a / 8 and w(1/2) = 1/2 - a / 8
    pulse = np.array([[0.0, 8.0], [8.0, 0.0], [0.0, 0.0]])
    half = np.array([[0.0, 8.0], [4.75, 4.0], [8.0, 0.0], [4.75, -0.75], [0.0, 0.0], [-0.75, 0.0]])
    wave = np.sin(np.arange(14.0)).reshape(7, 2)
    exact = {"table_size": None}
    return [
        Case("by hand", [pulse], {"n_samples": 6}, half),
        Case("by hand, no endpoint", [pulse], {"n_samples": 5, "add_endpoint": False}, half[:5]),
        # a third becomes 341/1024 with the table, 0 with a table of 1: nearest
        Case("by hand, small table", [pulse], {"n_samples": 9, "table_size": 1},
             pulse[[0, 0, 1, 1, 1, 2, 2, 2, 2]]),
        # Keys' slope reproduces a parabola between inner frames; at half-way the weights are
        # -1/16, 9/16, 9/16, -1/16, so that repeating the end frames gives 5/16 and 205/16
        Case("by hand, parabola", [np.arange(5.0)[:, None] ** 2],
             {"n_samples": 9, "add_endpoint": False, "slope": -0.5, **exact},
             np.array([0, 0.3125, 1, 2.25, 4, 6.25, 9, 12.8125, 16])[:, None]),
        Case("up", [wave], {"n_samples": 40}),
        Case("up, exact", [wave], {"n_samples": 40, **exact}),
        Case("up, no endpoint", [wave], {"n_samples": 33, "add_endpoint": False}),
        Case("down", [wave], {"n_samples": 4}),
        Case("down, no endpoint", [wave], {"n_samples": 5, "add_endpoint": False, **exact}),
        Case("same length", [wave], {"n_samples": 7}, wave),
        Case("two frames", [wave[:2]], {"n_samples": 9}),
        Case("one frame", [wave[:1]], {"n_samples": 3}, np.repeat(wave[:1], 3, axis=0)),
        Case("one sample", [wave], {"n_samples": 1, "add_endpoint": False}, wave[:1]),
        Case("no samples", [wave], {"n_samples": 0}, error="n_samples is 0, must be a whole"),
        Case("no table", [wave], {"n_samples": 9, "table_size": 0}, error="table_size is 0, must"),
        Case("no slope", [wave], {"n_samples": 9, "slope": math.nan}, error="slope is nan, must"),
    ]  # fmt: skip


resample_cubic = Op(
    "resample_cubic",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    may_be_none=("table_size",),
    signature="(n_frames,n_channels)->(n_samples,n_channels)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, resample",
)
