"""Transposed convolution in time: each frame spreads over several finer ones."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op
from ddsp_ref.ops._products import product, transposed_product


def define(x, kernel, bias, *, stride=1, xp=np):
    """Spread each frame over several frames of a finer sequence.

    ``y[t * stride + k - before] += x[t] @ kernel[k].T`` for all t and k, starting from the bias,
    with ``before = max(n_taps - stride, 0) // 2``; what falls outside is lost.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_in)
        Input sequence.
    kernel : array, shape (n_taps, n_out, n_in)
        Weights, with the channels of the output first.
    bias : array, shape (n_out,)
        Offset.
    stride : int
        Output frames per input frame, at least 1.

    Returns
    -------
    array, shape (..., n_frames * stride, n_out)
        Upsampled sequence. Frames that no tap reaches are the bias.

    Raises
    ------
    ParameterError
        If stride is less than 1.

    Notes
    -----
    Gradient: that of x is y_bar under `conv_1d` of the same kernel and stride.
    Precision: one matrix product of the linked BLAS for each tap.
    Memory: one more array, n_frames by n_out, whatever n_taps.
    Source: keras 2.15, Conv1DTranspose and Conv2DTranspose of width 1, padding 'same'.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> x, kernel = np.array([[1.0], [2.0]]), np.array([[[1.0]], [[10.0]]])
    >>> ddsp_ref.conv_1d_transpose(x, kernel, np.zeros(1), stride=2).ravel()
    array([ 1., 10.,  2., 20.])
    """
    n_taps, n_out_frames = len(kernel), len(x) * stride
    before = max(n_taps - stride, 0) // 2
    frames = [bias] * n_out_frames
    for t in range(len(x)):
        for k in range(n_taps):
            to = t * stride + k - before
            if 0 <= to < n_out_frames:
                frames[to] = frames[to] + xp.dot(kernel[k], x[t])
    return xp.stack(frames)


def _taps(n_frames, n_taps, stride):
    """Return for each tap which input frames it reads, and which output frames it reaches."""
    n_out_frames = n_frames * stride
    before = max(n_taps - stride, 0) // 2
    found = []
    for k in range(n_taps):
        offset = k - before
        start = max(-(offset // stride), 0)
        stop = min((n_out_frames - 1 - offset) // stride + 1, n_frames)
        if start < stop:
            first, last = start * stride + offset, (stop - 1) * stride + offset
            found.append((k, slice(start, stop), slice(first, last + 1, stride)))
    return found


def vjp(x, kernel, bias, *, stride=1):
    n_batch, n_frames, _ = x.shape
    taps = _taps(n_frames, len(kernel), stride)
    y = np.empty((n_batch, n_frames * stride, len(bias)), x.dtype)
    y[...] = bias
    for k, source, to in taps:
        y[:, to] += product(x[:, source], kernel[k].T)

    def pullback(y_bar):
        x_bar, kernel_bar = np.zeros_like(x), np.zeros_like(kernel)
        for k, source, to in taps:
            x_bar[:, source] += product(y_bar[:, to], kernel[k])
            kernel_bar[k] = transposed_product(y_bar[:, to], x[:, source])
        return x_bar, kernel_bar, y_bar.sum(axis=(0, 1), dtype=np.float64).astype(x.dtype)

    return y, pullback


def check(dims, *, stride=1):
    require(stride >= 1, f"stride is {stride}, must be at least 1")


def cases():
    rng = np.random.default_rng(0)
    x, kernel, bias = (rng.standard_normal(s) for s in ((2, 5, 3), (4, 4, 3), 4))
    ramp = np.array([[1.0], [2.0]])
    taps = np.array([[[1.0]], [[10.0]], [[100.0]], [[1000.0]]])
    return [
        # before = 1: frame 0 gives 10, 100, 1000; frame 1, two later, 2, 20, 200
        Case("by hand", [ramp, taps, [0.5]], {"stride": 2},
             np.array([[10.5], [102.5], [1020.5], [200.5]])),
        # before = 0: each frame gives 1 and 10, and nothing for its third
        Case("by hand, gaps", [ramp, taps[:2], [0.5]], {"stride": 3},
             np.array([[1.5], [10.5], [0.5], [2.5], [20.5], [0.5]])),
        Case("typical", [x, kernel, bias], {"stride": 2}),
        Case("no stride", [x, kernel[:3], bias]),
        Case("odd", [x, kernel[:3], bias], {"stride": 2}),
        Case("one frame", [x[:, :1], kernel, bias], {"stride": 3}),
        Case("more taps than frames", [x[:, :1], rng.standard_normal((9, 4, 3)), bias]),
        Case("stride 0", [x, kernel, bias], {"stride": 0}, error="stride is 0, must be at least 1"),
        Case("kernel of another size", [x, kernel[..., :2], bias],
             error=r"kernel has shape \(4, 4, 2\), must be \(n_taps, n_out, n_in\) with n_in=3"),
    ]  # fmt: skip


conv_1d_transpose = Op(
    "conv_1d_transpose",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_in),[n_taps,n_out,n_in],[n_out]->(n_out_frames,n_out)",
    source="keras 2.15, Conv1DTranspose, Conv2DTranspose",
)
