"""Straight lines between frames."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit
from ddsp_ref.op import Case, Op


def define(x, *, n_samples, add_endpoint=True, xp=np):
    """Resample controls by straight lines between frames.

    ``y[t] = (1 - r) x[i] + r x[i + 1]`` with ``i + r = t n_frames / n_samples``; the last frame
    is held. Without the endpoint ``i + r = t (n_frames - 1) / (n_samples - 1)``.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_channels)
        Controls, any real number.
    n_samples : int
        New number of time steps, at least 1; more or fewer than n_frames.
    add_endpoint : bool
        True: frame i sits at sample ``i * n_samples / n_frames`` and the last frame is held for
        one more step. False: first and last frame sit at the first and last sample.

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
    Gradient: linear in x, so the pullback is the transposed matrix.
    Precision: positions are exact rational numbers.
    Differences: TensorFlow computes positions in float32 and is off by up to 5e-5.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, resample, method "linear" (tf.image.resize,
    bilinear, without half-pixel centres).

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.resample_linear(np.array([[0.0], [4.0]]), n_samples=4).ravel()
    array([0., 2., 4., 4.])
    """
    n_frames = x.shape[0]
    steps, length = (n_frames, n_samples) if add_endpoint else (n_frames - 1, n_samples - 1)
    if length == 0:  # one sample without endpoint: it is the first frame
        steps, length = 0, 1
    ticks = np.arange(n_samples) * steps
    left = np.minimum(ticks // length, n_frames - 1)
    right = np.minimum(left + 1, n_frames - 1)
    fraction = ((ticks % length) / length)[:, None]
    return x[left] + fraction * (x[right] - x[left])


@njit
def _kernel(x, y, steps, length):
    n_batch, n_frames, n_channels = x.shape
    for b in range(n_batch):
        left, rest = 0, 0  # position is left + rest / length
        for t in range(y.shape[1]):
            right = min(left + 1, n_frames - 1)
            share = rest / length
            for c in range(n_channels):
                here = float(x[b, left, c])
                y[b, t, c] = here + share * (float(x[b, right, c]) - here)
            rest += steps
            left = min(left + rest // length, n_frames - 1)
            rest %= length


@njit
def _kernel_vjp(y_bar, x_bar, steps, length):
    n_batch, n_frames, n_channels = x_bar.shape
    for b in range(n_batch):
        left, rest = 0, 0
        for t in range(y_bar.shape[1]):
            right = min(left + 1, n_frames - 1)
            share = rest / length
            for c in range(n_channels):
                bar = float(y_bar[b, t, c])
                x_bar[b, left, c] += (1 - share) * bar
                x_bar[b, right, c] += share * bar
            rest += steps
            left = min(left + rest // length, n_frames - 1)
            rest %= length


def vjp(x, *, n_samples, add_endpoint=True):
    n_batch, n_frames, n_channels = x.shape
    grid = (n_frames, n_samples)
    if not add_endpoint:
        grid = (n_frames - 1, n_samples - 1) if n_samples > 1 else (0, 1)
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
    ramp = np.array([[0.0, 3.0], [4.0, 3.0], [8.0, -1.0]])
    wave = np.sin(np.arange(14.0)).reshape(7, 2)
    return [
        # frames at samples 0, 2, 4; the last is held at sample 5
        Case("by hand", [ramp], {"n_samples": 6}, np.array(
            [[0.0, 3.0], [2.0, 3.0], [4.0, 3.0], [6.0, 1.0], [8.0, -1.0], [8.0, -1.0]])),
        # frames at samples 0, 2, 4
        Case("by hand, no endpoint", [ramp], {"n_samples": 5, "add_endpoint": False}, np.array(
            [[0.0, 3.0], [2.0, 3.0], [4.0, 3.0], [6.0, 1.0], [8.0, -1.0]])),
        Case("up", [wave], {"n_samples": 40}),
        Case("down", [wave], {"n_samples": 4}),
        Case("down, no endpoint", [wave], {"n_samples": 4, "add_endpoint": False}),
        Case("same length", [wave], {"n_samples": 7}, wave),
        Case("one frame", [wave[:1]], {"n_samples": 3}, np.repeat(wave[:1], 3, axis=0)),
        Case("one frame, no endpoint", [wave[:1]], {"n_samples": 3, "add_endpoint": False}),
        Case("one sample", [wave], {"n_samples": 1, "add_endpoint": False}, wave[:1]),
        Case("no samples", [wave], {"n_samples": 0}, error="n_samples is 0, must be a whole"),
        Case("half a sample", [wave], {"n_samples": 2.5}, error="n_samples is 2.5, must be a"),
    ]  # fmt: skip


resample_linear = Op(
    "resample_linear",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_channels)->(n_samples,n_channels)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, resample",
)
