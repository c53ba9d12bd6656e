"""Largest of neighbouring frames."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit
from ddsp_ref.op import Case, Op


def define(x, *, pool_size, stride, xp=np):
    """Take the largest of neighbouring frames, channel by channel.

    ``y[t] = max_k x[t * stride + k - before]`` over the ``pool_size`` frames of a window, as far
    as they exist; ``before = max((n_out - 1) * stride + pool_size - n_frames, 0) // 2``.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_channels)
        Input sequence; of an image, rows are batch and columns are frames.
    pool_size : int
        Width of the window in frames, at least 1.
    stride : int
        Step between windows in frames, at least 1.

    Returns
    -------
    array, shape (..., ceil(n_frames / stride), n_channels)
        Largest values.

    Raises
    ------
    ParameterError
        If pool_size or stride is less than 1.

    Notes
    -----
    Gradient: that of the largest frame; of equal ones the first gets all, as in TensorFlow.
    Precision: exact.
    Source: keras 2.15, MaxPool1D, and MaxPool2D with a pool of one row, padding 'same'.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> x = np.array([[1.0], [5.0], [2.0], [3.0]])
    >>> ddsp_ref.max_pool_1d(x, pool_size=3, stride=2).ravel()
    array([5., 3.])
    """
    n_frames = len(x)
    n_out = -(-n_frames // stride)
    before = max((n_out - 1) * stride + pool_size - n_frames, 0) // 2
    starts = [t * stride - before for t in range(n_out)]
    return xp.stack([xp.max(x[max(start, 0) : start + pool_size], axis=0) for start in starts])


@njit
def _kernel(x, y, winner, before, pool_size, stride):
    """Write the largest value of each window, and the frame that it comes from."""
    n_batch, n_frames, n_channels = x.shape
    for b in range(n_batch):
        for t in range(y.shape[1]):
            start = max(t * stride - before, 0)
            stop = min(t * stride - before + pool_size, n_frames)
            for c in range(n_channels):
                y[b, t, c], winner[b, t, c] = x[b, start, c], start
            for k in range(start + 1, stop):
                for c in range(n_channels):
                    if x[b, k, c] > y[b, t, c]:
                        y[b, t, c], winner[b, t, c] = x[b, k, c], k


@njit
def _kernel_vjp(y_bar, winner, x_bar):
    for b in range(y_bar.shape[0]):
        for t in range(y_bar.shape[1]):
            for c in range(y_bar.shape[2]):
                x_bar[b, winner[b, t, c], c] += y_bar[b, t, c]


def vjp(x, *, pool_size, stride):
    n_batch, n_frames, n_channels = x.shape
    n_out = -(-n_frames // stride)
    before = max((n_out - 1) * stride + pool_size - n_frames, 0) // 2
    y = np.empty((n_batch, n_out, n_channels), x.dtype)
    winner = np.empty(y.shape, np.int32)
    _kernel(x, y, winner, int(before), int(pool_size), int(stride))

    def pullback(y_bar):
        x_bar = np.zeros_like(x)
        _kernel_vjp(y_bar, winner, x_bar)
        return (x_bar,)

    return y, pullback


def check(dims, *, pool_size, stride):
    require(pool_size >= 1, f"pool_size is {pool_size}, must be at least 1")
    require(stride >= 1, f"stride is {stride}, must be at least 1")


def cases():
    x = np.random.default_rng(0).standard_normal((2, 7, 3))
    usual = {"pool_size": 3, "stride": 2}
    return [
        # windows: frames 0 to 2, frames 2 and 3
        Case("by hand", [np.array([[1.0], [-2.0], [4.0], [3.0]])], usual, np.array([[4.0], [4.0]])),
        Case("typical", [x], usual),
        Case("every frame", [x], {"pool_size": 4, "stride": 1}),
        Case("frames left out", [x], {"pool_size": 1, "stride": 3}, x[:, ::3]),
        Case("all negative at the ends", [-1 - np.abs(x)], usual),
        Case("equal frames", [np.ones((4, 1))], usual, np.ones((2, 1)), grad=False),
        Case("one frame", [x[:, :1]], usual, x[:, :1]),
        Case("no width", [x], {"pool_size": 0, "stride": 1}, error="pool_size is 0, must be at le"),
        Case("no step", [x], {"pool_size": 2, "stride": 0}, error="stride is 0, must be at least"),
    ]  # fmt: skip


max_pool_1d = Op(
    "max_pool_1d",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_channels)->(n_out_frames,n_channels)",
    source="keras 2.15, MaxPool1D, MaxPool2D",
)
