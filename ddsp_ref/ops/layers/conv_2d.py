"""Convolution of images, for spectrograms: each pixel from its neighbours."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(x, kernel, bias, *, row_stride=1, column_stride=1, xp=np):
    """Convolve an image with a kernel of neighbouring pixels.

    ``y[i, j] = bias + sum_kl x[i * row_stride + k - above, j * column_stride + l - left]
    @ kernel[k, l]``, with zeros outside the image. The padding is shared out on both sides, the
    odd row or column at the end.

    Parameters
    ----------
    x : array, shape (..., n_rows, n_columns, n_in)
        Image; of a spectrogram, frames are rows and bins are columns.
    kernel : array, shape (n_high, n_wide, n_in, n_out)
        Weights, not turned round.
    bias : array, shape (n_out,)
        Offset.
    row_stride : int
        Step between output rows, at least 1.
    column_stride : int
        Step between output columns, at least 1.

    Returns
    -------
    array, shape (..., ceil(n_rows / row_stride), ceil(n_columns / column_stride), n_out)
        Convolved image.

    Raises
    ------
    ParameterError
        If a stride is less than 1.

    Notes
    -----
    Gradient: ``x_bar`` is y_bar convolved the other way round, ``kernel_bar[k, l]`` the product of
    y_bar with the pixels that this tap saw.
    Precision: one matrix product of the linked BLAS for each tap.
    Memory: two more arrays, of one input and one output, whatever the size of the kernel.
    Source: keras 2.15, Conv2D, padding 'same'.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> x, kernel = np.array([[[1.0], [2.0], [4.0]]]), np.array([[[[1.0]], [[0.0]], [[10.0]]]])
    >>> ddsp_ref.conv_2d(x, kernel, np.zeros(1)).ravel()
    array([20., 41.,  2.])
    """
    (n_rows, n_columns), (n_high, n_wide) = x.shape[:2], kernel.shape[:2]
    n_out_rows, n_out_columns = -(-n_rows // row_stride), -(-n_columns // column_stride)
    above = max((n_out_rows - 1) * row_stride + n_high - n_rows, 0) // 2
    left = max((n_out_columns - 1) * column_stride + n_wide - n_columns, 0) // 2
    pixels = []
    for i in range(n_out_rows):
        for j in range(n_out_columns):
            pixel = bias
            for k in range(n_high):
                for m in range(n_wide):
                    row, column = i * row_stride + k - above, j * column_stride + m - left
                    if 0 <= row < n_rows and 0 <= column < n_columns:
                        pixel = pixel + xp.dot(x[row, column], kernel[k, m])
            pixels.append(pixel)
    return xp.reshape(xp.stack(pixels), (n_out_rows, n_out_columns, -1))


def _taps(n, n_taps, stride):
    """Return for each tap along one axis which outputs it reaches, and which inputs it reads."""
    n_out = -(-n // stride)
    before = max((n_out - 1) * stride + n_taps - n, 0) // 2
    found = []
    for k in range(n_taps):
        offset = k - before
        start = max(-(offset // stride), 0)
        stop = min((n - 1 - offset) // stride + 1, n_out)
        if start < stop:
            first, last = start * stride + offset, (stop - 1) * stride + offset
            found.append((k, slice(start, stop), slice(first, last + 1, stride)))
    return found


def vjp(x, kernel, bias, *, row_stride=1, column_stride=1):
    n_batch, n_rows, n_columns, n_in = x.shape
    n_high, n_wide, _, n_out = kernel.shape
    taps = [
        ((k, m), (slice(None), to_row, to_column), (slice(None), row, column))
        for k, to_row, row in _taps(n_rows, n_high, row_stride)
        for m, to_column, column in _taps(n_columns, n_wide, column_stride)
    ]
    n_out_rows, n_out_columns = -(-n_rows // row_stride), -(-n_columns // column_stride)
    y = np.empty((n_batch, n_out_rows, n_out_columns, n_out), x.dtype)
    y[...] = bias

    def product(pixels, weights):  # one large matrix product instead of one for each row
        flat = pixels.reshape(-1, pixels.shape[-1]) @ weights
        return flat.reshape(*pixels.shape[:-1], weights.shape[1])

    for tap, to, source in taps:
        y[to] += product(x[source], kernel[tap])

    def pullback(y_bar):
        x_bar, kernel_bar = np.zeros_like(x), np.zeros_like(kernel)
        for tap, to, source in taps:
            x_bar[source] += product(y_bar[to], kernel[tap].T)
            kernel_bar[tap] = x[source].reshape(-1, n_in).T @ y_bar[to].reshape(-1, n_out)
        return x_bar, kernel_bar, y_bar.sum(axis=(0, 1, 2), dtype=np.float64).astype(x.dtype)

    return y, pullback


def check(dims, *, row_stride=1, column_stride=1):
    require(row_stride >= 1, f"row_stride is {row_stride}, must be at least 1")
    require(column_stride >= 1, f"column_stride is {column_stride}, must be at least 1")


def cases():
    rng = np.random.default_rng(0)
    x, kernel, bias = (rng.standard_normal(s) for s in ((2, 4, 5, 2), (3, 3, 2, 3), 3))
    image = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
    taps = np.array([[[[1.0]], [[10.0]]], [[[100.0]], [[1000.0]]]])
    return [
        # no padding before, one row and one column after
        Case("by hand", [image, taps, [0.5]], {},
             np.array([[[4321.5], [402.5]], [[43.5], [4.5]]])),
        Case("by hand, stride", [image, taps, [0.0]], {"row_stride": 2, "column_stride": 2},
             np.array([[[4321.0]]])),
        Case("typical", [x, kernel, bias]),
        Case("stride in columns", [x, kernel, bias], {"column_stride": 2}),
        Case("stride in both", [x, kernel[:2], bias], {"row_stride": 3, "column_stride": 2}),
        Case("one pixel of kernel", [x, kernel[:1, :1], bias], {"column_stride": 2}),
        Case("kernel larger than the image", [x[:, :1, :2], kernel, bias]),
        Case("no rows in a step", [x, kernel, bias], {"row_stride": 0},
             error="row_stride is 0, must be at least 1"),
        Case("no columns in a step", [x, kernel, bias], {"column_stride": -1},
             error="column_stride is -1, must be at least 1"),
        Case("kernel of another size", [x, kernel[:, :, :1], bias],
             error=r"kernel has shape \(3, 3, 1, 3\), must be .* with n_in=2"),
    ]  # fmt: skip


conv_2d = Op(
    "conv_2d",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_rows,n_columns,n_in),[n_high,n_wide,n_in,n_out],[n_out]"
    "->(n_out_rows,n_out_columns,n_out)",
    source="keras 2.15, Conv2D",
)
