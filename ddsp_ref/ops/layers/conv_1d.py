"""Convolution in time: each frame from its neighbours, at a distance if wanted."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import ranges, read_only, run_parts
from ddsp_ref.op import Case, Op
from ddsp_ref.ops._products import (
    LONG,
    add_all_transposed,
    as_tiles,
    from_tiles,
    multiply,
    no_bias,
    no_sums,
)

_BLOCK = 256  # frames that are gathered at a time


def define(x, kernel, bias, *, stride=1, dilation=1, causal=False, xp=np):
    """Convolve a sequence of frames with a kernel of neighbours in time.

    ``y[t] = bias + sum_k x[t * stride + k * dilation - before] @ kernel[k]``, with zeros outside
    the sequence. The kernel reaches over ``reach = (n_taps - 1) * dilation + 1`` frames. Causal:
    ``before = reach - 1``. Otherwise the padding is shared out, the odd frame at the end:
    ``before = max((n_out_frames - 1) * stride + reach - n_frames, 0) // 2``.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_in)
        Input sequence.
    kernel : array, shape (n_taps, n_in, n_out)
        Weights, not turned round: the last tap sees the latest frame.
    bias : array, shape (n_out,)
        Offset.
    stride : int
        Step between output frames, in input frames, at least 1.
    dilation : int
        Distance of taps in frames, at least 1.
    causal : bool
        True: no frame sees a later one.

    Returns
    -------
    array, shape (..., ceil(n_frames / stride), n_out)
        Convolved sequence.

    Raises
    ------
    ParameterError
        If stride or dilation is less than 1.

    Notes
    -----
    Gradient: ``x_bar`` is y_bar convolved the other way round, ``kernel_bar[k]`` the product of
    y_bar with the frames that tap k saw.
    Precision: one matrix product of the linked BLAS for each tap.
    Memory: one more array of the size of the output, whatever n_taps.
    Source: keras 2.15, Conv1D and Conv2D of width 1, padding 'same' or 'causal'; van den Oord et
    al. 2016.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> x, kernel = np.array([[1.0], [2.0], [4.0]]), np.array([[[1.0]], [[0.0]], [[10.0]]])
    >>> ddsp_ref.conv_1d(x, kernel, np.zeros(1)).ravel()
    array([20., 41.,  2.])
    >>> ddsp_ref.conv_1d(x, kernel, np.zeros(1), causal=True).ravel()
    array([10., 20., 41.])
    """
    n_frames, n_taps = len(x), len(kernel)
    n_out_frames = -(-n_frames // stride)
    missing = (n_out_frames - 1) * stride + (n_taps - 1) * dilation + 1 - n_frames
    before = (n_taps - 1) * dilation if causal else max(missing, 0) // 2
    frames = []
    for t in range(n_out_frames):
        frame = bias
        for k in range(n_taps):
            source = t * stride + k * dilation - before
            if 0 <= source < n_frames:
                frame = frame + xp.dot(x[source], kernel[k])
        frames.append(frame)
    return xp.stack(frames)


def _taps(n_frames, n_taps, stride, dilation, causal):
    """Return for each tap which output frames t it reaches, and the input frame of the first.

    The next output frame reads the input frame a stride further on.
    """
    n_out_frames = -(-n_frames // stride)
    reach = (n_taps - 1) * dilation + 1
    before = reach - 1 if causal else max((n_out_frames - 1) * stride + reach - n_frames, 0) // 2
    found = []
    for k in range(n_taps):
        offset = k * dilation - before
        start = max(-(offset // stride), 0)
        stop = min((n_frames - 1 - offset) // stride + 1, n_out_frames)
        if start < stop:
            found.append((k, start, stop, start * stride + offset))
    return found


def _gather(x, begin, end, taps, n_taps, stride):
    """Return what each of the output frames reads, side by side; zeros where there is nothing."""
    side_by_side = np.zeros((end - begin, n_taps, x.shape[1]), x.dtype)
    for k, start, stop, first in taps:
        low, high = max(start, begin), min(stop, end)
        if low < high:
            at = first + (low - start) * stride
            side_by_side[low - begin : high - begin, k] = x[at:][: (high - low) * stride : stride]
    return read_only(side_by_side.reshape(end - begin, -1))


def _spread(pulled, begin, end, taps, stride, x_bar):
    """Add what was pulled back to what each of the output frames reads, the transpose of it."""
    pulled = pulled.reshape(end - begin, -1, x_bar.shape[1])
    for k, start, stop, first in taps:
        low, high = max(start, begin), min(stop, end)
        if low < high:
            at = first + (low - start) * stride
            x_bar[at:][: (high - low) * stride : stride] += pulled[low - begin : high - begin, k]


def vjp(x, kernel, bias, *, stride=1, dilation=1, causal=False):
    (n_batch, n_frames, n_in), (n_taps, _, n_out) = x.shape, kernel.shape
    n_out_frames = -(-n_frames // stride)
    taps = _taps(n_frames, n_taps, stride, dilation, causal)
    flat_kernel = kernel.reshape(n_taps * n_in, n_out)
    tiles = as_tiles(flat_kernel, x.dtype)
    y = np.empty((n_batch, n_out_frames, n_out), x.dtype)

    def forward(b, begin, end):
        multiply(_gather(x[b], begin, end, taps, n_taps, stride), tiles, bias, y[b, begin:end])

    blocks = ranges(n_out_frames, _BLOCK)
    run_parts(forward, [(b, *block) for b in range(n_batch) for block in blocks])

    def pullback(y_bar):
        x_bar, n_sums = np.zeros_like(x), -(-n_out_frames // LONG)
        kernel_bars = no_sums(n_batch * n_sums, n_taps * n_in, n_out, x.dtype)
        transposed, nothing = as_tiles(flat_kernel.T, x.dtype), no_bias(n_taps * n_in, x.dtype)

        def backward(b):
            for begin, end in blocks:
                own = y_bar[b, begin:end]
                pulled = np.empty((end - begin, n_taps * n_in), x.dtype)
                multiply(own, transposed, nothing, pulled)
                _spread(pulled, begin, end, taps, stride, x_bar[b])
                read = _gather(x[b], begin, end, taps, n_taps, stride)
                add_all_transposed(read, own, kernel_bars[b * n_sums + begin // LONG])

        run_parts(backward, [(b,) for b in range(n_batch)])
        kernel_bar = from_tiles(kernel_bars, n_taps * n_in, n_out).reshape(kernel.shape)
        return x_bar, kernel_bar, y_bar.sum(axis=(0, 1), dtype=np.float64).astype(x.dtype)

    return y, pullback


def check(dims, *, stride=1, dilation=1, causal=False):
    require(stride >= 1, f"stride is {stride}, must be at least 1")
    require(dilation >= 1, f"dilation is {dilation}, must be at least 1")


def cases():
    rng = np.random.default_rng(0)
    x, kernel, bias = (rng.standard_normal(s) for s in ((2, 9, 3), (3, 3, 4), 4))
    even = rng.standard_normal((4, 3, 4))
    ramp, taps = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[[1.0]], [[10.0]], [[100.0]]])
    return [
        Case("by hand", [ramp, taps, [0.5]], {}, np.array([[210.5], [321.5], [432.5], [43.5]])),
        Case("by hand, causal", [ramp, taps, [0.0]], {"causal": True},
             np.array([[100.0], [210.0], [321.0], [432.0]])),
        # two zeros before and two after
        Case("by hand, dilated", [ramp, taps, [0.0]], {"dilation": 2},
             np.array([[310.0], [420.0], [31.0], [42.0]])),
        # one zero of padding, and it stands at the end
        Case("by hand, stride", [ramp, taps, [0.0]], {"stride": 2}, np.array([[321.0], [43.0]])),
        Case("typical", [x, kernel, bias]),
        Case("dilated", [x, kernel, bias], {"dilation": 3}),
        Case("causal, dilated, stride", [x, kernel, bias],
             {"dilation": 2, "stride": 2, "causal": True}),
        Case("even kernel, stride", [x, even, bias], {"stride": 3}),
        Case("stride beyond the kernel", [x, kernel[:2], bias], {"stride": 5}),
        Case("taps beyond the sequence", [x, kernel, bias], {"dilation": 20}),
        Case("one frame", [x[:, :1], kernel, bias]),
        Case("stride 0", [x, kernel, bias], {"stride": 0}, error="stride is 0, must be at least 1"),
        Case("dilation 0", [x, kernel, bias], {"dilation": 0}, error="dilation is 0, must be at l"),
        Case("kernel of another size", [x, kernel[:, :2], bias],
             error=r"kernel has shape \(3, 2, 4\), must be \(n_taps, n_in, n_out\) with n_in=3"),
        Case("no taps", [x, kernel[:0], bias], error="n_taps must be at least 1"),
    ]  # fmt: skip


conv_1d = Op(
    "conv_1d",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_in),[n_taps,n_in,n_out],[n_out]->(n_out_frames,n_out)",
    source="keras 2.15, Conv1D, Conv2D",
)
