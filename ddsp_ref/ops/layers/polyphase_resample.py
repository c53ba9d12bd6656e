"""Resampling by moving samples between time and channels."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(x, *, stride=2, up=False, trim=False, xp=np):
    """Put neighbouring frames side by side as channels, or channels in a row as frames.

    Down: ``y[t, k * n_channels + c] = x[t * stride + k, c]``. Up: ``y[t * stride + k, c] =
    x[t, k * n + c]`` with ``n = n_channels / stride``. No sample is lost or made.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_channels)
        Input sequence.
    stride : int
        By how much, at least 1.
    up : bool
        True: more frames of fewer channels. False: fewer frames of more channels.
    trim : bool
        What to do if stride does not divide the frames (up: the channels). True: leave out the
        rest. False: add zeros at the end.

    Returns
    -------
    array, shape (..., n_out_frames, n_out_channels)
        The samples in their new order.

    Raises
    ------
    ParameterError
        If stride is less than 1, or trim would leave nothing.

    Notes
    -----
    Gradient: the same reordering backwards.
    Precision: exact.
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, polyphase_resample.
    Differences: trim_or_pad='trim' is trim=True, resample_type='up' is up=True.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.polyphase_resample(np.array([[1.0], [2.0], [3.0]]))
    array([[1., 2.],
           [3., 0.]])
    >>> ddsp_ref.polyphase_resample(np.array([[1.0, 2.0], [3.0, 4.0]]), up=True).ravel()
    array([1., 2., 3., 4.])
    """
    rows = list(x.T) if up else list(x)
    if trim:
        rows = rows[: len(rows) - len(rows) % stride]
    while len(rows) % stride:
        rows.append(np.zeros(x.shape[0] if up else x.shape[1]))
    n = len(rows) // stride
    if up:
        parts = [xp.stack(rows[k * n : (k + 1) * n], axis=1) for k in range(stride)]
        return xp.stack([part[t] for t in range(x.shape[0]) for part in parts])
    return xp.stack([xp.concatenate(rows[t * stride : (t + 1) * stride]) for t in range(n)])


def vjp(x, *, stride=2, up=False, trim=False):
    n_batch, n_frames, n_channels = x.shape
    length = n_channels if up else n_frames
    wanted = length - length % stride if trim else -(-length // stride) * stride
    kept = min(length, wanted)
    whole = (slice(None), slice(None), slice(kept)) if up else (slice(None), slice(kept))
    shape = (n_batch, n_frames, wanted) if up else (n_batch, wanted, n_channels)
    n_out = (n_frames * stride, wanted // stride) if up else (wanted // stride, n_channels * stride)
    padded = np.zeros(shape, x.dtype)
    padded[whole] = x[whole]

    def pullback(y_bar):
        x_bar = np.zeros_like(x)
        x_bar[whole] = y_bar.reshape(shape)[whole]
        return (x_bar,)

    return padded.reshape(n_batch, *n_out), pullback


def check(dims, *, stride=2, up=False, trim=False):
    require(stride >= 1, f"stride is {stride}, must be at least 1, e.g. 2")
    what, size = ("channels", dims["n_channels"]) if up else ("frames", dims["n_frames"])
    require(
        not trim or stride <= size,
        f"stride is {stride}, and trim leaves nothing of {size} {what}: at most {size}",
    )


def cases():
    x = np.random.default_rng(0).standard_normal((2, 7, 5))
    table = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    return [
        Case("by hand", [table], {}, np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 0.0, 0.0]])),
        Case("by hand, trimmed", [table], {"trim": True}, np.array([[1.0, 2.0, 3.0, 4.0]])),
        Case("by hand, up", [table], {"up": True}, np.arange(1.0, 7.0)[:, None]),
        Case("by hand, up, padded", [table[:, :1]], {"up": True},
             np.array([[1.0], [0.0], [3.0], [0.0], [5.0], [0.0]])),
        Case("down", [x], {"stride": 3}),
        Case("down, trimmed", [x], {"stride": 3, "trim": True}),
        Case("up", [x], {"stride": 3, "up": True}),
        Case("up, trimmed", [x], {"stride": 2, "up": True, "trim": True}),
        Case("as it is", [x], {"stride": 1}, x),
        Case("stride 0", [x], {"stride": 0}, error="stride is 0, must be at least 1"),
        Case("nothing left", [x], {"stride": 8, "trim": True},
             error="stride is 8, and trim leaves nothing of 7 frames: at most 7"),
    ]  # fmt: skip


polyphase_resample = Op(
    "polyphase_resample",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_channels)->(n_out_frames,n_out_channels)",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, polyphase_resample",
)
